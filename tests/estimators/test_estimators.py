import copy
import pickle
import re

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from edgewise._ground.errors import ConfigError, EdgewiseWarning
from edgewise.estimators import KANClassifier, KANRegressor

QUICK = {"hidden": (3,), "penalty": 1e-2, "steps": 5, "starts": 1}
FEW = ["x", "x^2", "sin", "exp"]


@pytest.fixture(autouse=True)
def array_api(monkeypatch):
    """Without it, scikit-learn skips a check."""
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")


def known(_):
    """Weights are repeated rows in the loss; quantiles of grids, and which rows are held back, differ."""
    return {f"check_sample_weight_equivalence_on_{kind}_data": known.__doc__ for kind in ("dense", "sparse")}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::edgewise.ExtrapolationWarning")
@pytest.mark.filterwarnings("ignore:the network is worse on its own training rows")  # after five steps
@parametrize_with_checks([KANRegressor(**QUICK), KANClassifier(**QUICK)], expected_failed_checks=known)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::edgewise.ExtrapolationWarning")
@pytest.mark.filterwarnings("ignore:no shape tells rows held back")
@parametrize_with_checks([KANRegressor(), KANClassifier((2,), steps=5)], expected_failed_checks=known)
def test_scikit_learn_checks_as_they_come(estimator, check):
    if check.func.__name__.startswith(("check_estimator_sparse", "check_sample_weight_equivalence")):
        pytest.skip("what happens before the fit is checked with the quick settings above")
    check(estimator)


def surface(rows=300, seed=0):
    x = np.random.default_rng(seed).uniform(-1, 1, (rows, 2))
    return x, np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2)


def test_a_surface_without_noise_is_learned():
    x, y = surface()
    model = KANRegressor(random_state=0).fit(x, y)
    assert model.score(*surface(seed=1)) > 0.999
    assert model.penalty_ < 1e-2


def test_units_do_not_matter():
    x, y = surface(100)
    plain, other = (KANRegressor(**QUICK, random_state=0) for _ in range(2))
    scale, shift = np.array([1e5, 1e-4]), np.array([3e5, 7.0])
    predicted = plain.fit(x, y).predict(x)
    np.testing.assert_allclose(other.fit(x * scale + shift, 1e6 * y - 5).predict(x * scale + shift), 1e6 * predicted - 5)
    np.testing.assert_allclose(other.mean_, (x * scale + shift).mean(0))
    np.testing.assert_allclose(other.scale_, (x * scale).std(0))


def test_several_targets_at_once_and_columns_that_do_not_vary():
    x, y = surface(100)
    both = np.stack([y, 100 * x[:, 0]], 1)
    with pytest.warns(EdgewiseWarning, match=r"column 2 .counted from 0. is 7 in all rows"):
        model = KANRegressor((3,), penalty=1e-3, random_state=0).fit(np.c_[x, np.full(100, 7.0)], both)
    assert model.scale_[2] == 1
    predicted = model.predict(np.c_[x, np.full(100, 7.0)])
    assert predicted.shape == both.shape
    assert model.score(np.c_[x, np.full(100, 7.0)], both) > 0.95


@pytest.mark.parametrize(
    "estimator", [KANRegressor(**QUICK), KANClassifier(**QUICK), KANRegressor(**QUICK | {"hidden": ()})]
)
@pytest.mark.parametrize("constant", [5.0, 0.0, 1e6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_column_has_no_effect(estimator, constant, dtype):
    x, y = surface(100)
    frame = pd.DataFrame({"a": x[:, 0], "still": np.full(100, constant), "b": x[:, 1]}).astype(dtype)
    frame.loc[3, "still"] *= 1 + np.finfo(dtype).eps  # but for rounding
    model = clone(estimator).set_params(random_state=0)
    with pytest.warns(EdgewiseWarning, match=re.escape(f"column 'still' is {constant:g} in all rows")) as said:
        model.fit(frame, y > 1 if isinstance(model, KANClassifier) else y)
    assert len(said) == 1
    predict = getattr(model, "decision_function", model.predict)
    for other in (constant + 1, -1e6, 1e300 if dtype == np.float64 else 1e30):
        np.testing.assert_array_equal(predict(frame.assign(still=dtype(other))), predict(frame))


def test_a_constant_target_is_predicted_everywhere():
    x, y = surface(60)
    with pytest.warns(EdgewiseWarning, match=r"target 1 .counted from 0. is the same in all rows"):
        model = KANRegressor(**QUICK, random_state=0).fit(x, np.stack([y, np.full(60, 0.1)], 1))
    np.testing.assert_allclose(model.predict(x[::-1] / 2)[:, 1], 0.1, rtol=1e-12)
    with pytest.warns(EdgewiseWarning, match="the same in all rows"):
        model = KANRegressor(random_state=0).fit(x, np.full(60, 3.0))
    np.testing.assert_array_equal(model.predict(x / 2), 3.0)


@pytest.mark.slow
def test_the_formula_is_what_predicts():
    x, y = surface()
    frame = pd.DataFrame(x, columns=["a", "b"])
    model = KANRegressor(symbolic=True, functions=FEW, random_state=0).fit(frame, y)
    assert str(model.formula_) == "exp(b**2 + sin(pi*a))"
    assert list(model.feature_names_in_) == ["a", "b"]
    new, truth = surface(seed=1)
    np.testing.assert_allclose(model.predict(pd.DataFrame(new, columns=["a", "b"])), truth)
    np.testing.assert_allclose(model.formula_(new)[:, 0], truth)


def test_a_formula_is_looked_for_on_the_rows_first():
    x = np.random.default_rng(0).uniform(1, 4, (120, 2))
    y = x[:, 0] * x[:, 1] / (2 + x[:, 1])  # no network of five sums finds its three digits
    model = clone(KANRegressor(symbolic=True, random_state=0)).fit(pd.DataFrame(x, columns=["V", "s"]), y)
    np.testing.assert_allclose(
        model.predict(pd.DataFrame(10 * x, columns=["V", "s"])), 100 * x.prod(1) / (2 + 10 * x[:, 1])
    )
    assert model.discovery_.stages == ()


def test_without_time_for_a_formula_curves_predict_and_say_so():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(200, 6)), rng.integers(0, 2, 200)
    with pytest.warns(EdgewiseWarning, match="no formula was found before the search ended .time is up."):
        model = KANClassifier(symbolic=True, max_time=0.01, random_state=0).fit(x, labels)
    assert model.formula_ is None
    assert model.predict(x).shape == labels.shape


@pytest.mark.slow
def test_logits_are_formulas_too():
    x = np.random.default_rng(0).uniform(-2, 2, (200, 1))
    labels = np.where(x[:, 0] ** 2 > 1, "out", "in")
    model = KANClassifier((), symbolic=True, functions=["x", "x^2"], random_state=0).fit(x, labels)
    np.testing.assert_allclose(model.formula_(x)[:, 0], model.decision_function(x), rtol=1e-2, atol=0.1)
    assert model.score(x, labels) > 0.98


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_logits_and_classes_agree(classes):
    x, y = surface()
    labels = np.array(["low", "middle", "high"])[np.digitize(y, [0.8, 1.6][: classes - 1])]
    model = KANClassifier(**QUICK | {"steps": 20}, random_state=0).fit(x, labels)
    assert list(model.classes_) == sorted(set(labels))
    probabilities, logits = model.predict_proba(x), model.decision_function(x)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    if classes == 2:
        np.testing.assert_allclose(probabilities[:, 1], 1 / (1 + np.exp(-logits)))
    else:
        powers = np.exp(logits)
        np.testing.assert_allclose(probabilities, powers / powers.sum(1, keepdims=True))
    assert (model.predict(x) == model.classes_[probabilities.argmax(1)]).all()
    assert model.score(x, labels) > 0.9


def test_classes_that_can_be_told_apart_leave_logits_finite():
    x = np.r_[np.full((20, 1), -1.0), np.full((20, 1), 1.0)] + np.linspace(0, 0.1, 40)[:, None]
    model = KANClassifier((), penalty=0.0, random_state=0).fit(x, np.arange(40) >= 20)
    logits = model.decision_function(x)
    assert ((logits > 0) == (np.arange(40) >= 20)).all()
    assert np.abs(logits).max() < 20


def stored(model, tmp_path):
    joblib.dump(model, tmp_path / "model.joblib")
    return joblib.load(tmp_path / "model.joblib")


@pytest.mark.slow
@pytest.mark.parametrize(
    "copied",
    [
        lambda m, _: copy.deepcopy(m),
        lambda m, _: pickle.loads(pickle.dumps(m)),
        stored,
        lambda m, _: clone(m).fit(*surface(60)),
    ],
    ids=["deepcopy", "pickle", "joblib", "clone"],
)
@pytest.mark.parametrize("symbolic", [False, True])
def test_copies_predict_the_same(copied, symbolic, tmp_path):
    x, y = surface(60)
    functions = FEW if symbolic else None
    model = KANRegressor((1,), steps=3, symbolic=symbolic, functions=functions, random_state=3).fit(x, y)
    other = copied(model, tmp_path)
    np.testing.assert_array_equal(other.predict(x), model.predict(x))
    if symbolic:
        assert str(other.formula_) == str(model.formula_)


def test_nobody_elses_random_numbers_change():
    state, theirs = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002 (the global one is meant)
    KANRegressor(**QUICK, random_state=0).fit(*surface(50))
    assert torch.equal(state, torch.get_rng_state())
    assert (np.random.get_state()[1] == theirs).all()  # noqa: NPY002


def test_few_rows_get_a_coarser_grid():
    x, y = surface(40)
    model = KANRegressor((2,), grid=10, penalty=1e-2, steps=2, random_state=0).fit(x, y)
    assert model.grid_ == 2  # 6 edges with 2 + 3 coefficients and a weight each: 36 numbers
    assert sum(p.numel() for p in model.network_.parameters()) == 36
    assert KANRegressor((2,), grid=10, penalty=1e-2, steps=2, random_state=0).fit(x[:9], y[:9]).grid_ == 1


def test_in_a_pipeline_and_a_search():
    x, y = surface(90)
    search = GridSearchCV(KANRegressor(**QUICK, random_state=0), {"hidden": [(1,), (3,)]}, cv=2)
    assert search.fit(x, y).best_params_ in ({"hidden": (1,)}, {"hidden": (3,)})
    chain = make_pipeline(FunctionTransformer(np.square), KANRegressor(**QUICK, random_state=0))
    assert cross_val_predict(chain, x, y, cv=2, n_jobs=1).shape == y.shape


def test_what_cannot_be_fitted():
    with pytest.raises(NotFittedError):
        KANRegressor().predict(np.zeros((1, 2)))
    with pytest.raises(AttributeError):
        _ = KANRegressor(**QUICK, random_state=0).fit(*surface(20)).formula_
    with pytest.raises(ConfigError, match="unknown optimizer"):
        KANRegressor(optimizer="sgd", penalty=1e-2).fit(*surface(20))
    with pytest.raises(ValueError, match="at least 2 classes, got one class: 1"):
        KANClassifier().fit(np.eye(3), [1, 1, 1])
    with pytest.raises(ConfigError, match="did you mean 'sin'"):
        KANRegressor(symbolic=True, functions=["sine"]).fit(*surface(20))
