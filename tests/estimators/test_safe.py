"""The fit with settings as they come: shapes chosen, and never worse than a constant in silence."""

import numpy as np
import pytest
import torch
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.metrics import log_loss, r2_score, roc_auc_score

from edgewise import EdgewiseWarning, ExtrapolationWarning
from edgewise.estimators import KANClassifier, KANRegressor

RANDOM = np.random.default_rng(0)


def test_a_line_goes_on_as_a_line():
    x = RANDOM.uniform(-1, 1, (60, 2))
    model = KANRegressor(random_state=0).fit(x, 3 * x[:, 0] - x[:, 1] + 5)
    with pytest.warns(ExtrapolationWarning):
        far = model.predict([[5.0, 0.0], [0.0, -7.0]])
    np.testing.assert_allclose(far, [20, 12], rtol=0.02)


def test_lines_through_columns_of_few_values():
    """Knots coincide there."""
    x = np.c_[RANDOM.integers(0, 2, 80), RANDOM.integers(0, 5, 80), RANDOM.exponential(size=80).round(1)].astype(float)
    x[:70, 2] = 0
    model = KANRegressor(random_state=0).fit(x, x @ [2.0, -1.0, 0.5])
    np.testing.assert_allclose(model.predict(x), x @ [2.0, -1.0, 0.5], atol=0.02)


def test_where_columns_know_nothing_the_constant_is_predicted_and_said():
    draw = np.random.default_rng(5)
    x, y = draw.normal(size=(80, 3)), draw.normal(size=80)
    with pytest.warns(EdgewiseWarning, match="no shape tells rows held back better than their mean"):
        model = KANRegressor(random_state=0).fit(x, y)
    np.testing.assert_allclose(model.predict(x), y.mean(), rtol=1e-9)
    assert model.penalty_ is None
    with pytest.warns(EdgewiseWarning, match="better than the base rates"):
        shares = KANClassifier(random_state=1).fit(x, np.arange(80) % 4 == 0).predict_proba(x)
    np.testing.assert_allclose(shares[:, 1], 0.25, atol=5e-3)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_network_is_the_blend_of_what_counts(classes):
    """What is predicted is as good as what rows held back got, and the parts are those that shares_ names."""
    draw = np.random.default_rng(3)
    x = draw.uniform(-1, 1, (400, 2))
    logit = 6 * np.sin(4 * x[:, 0]) * x[:, 1] + x[:, 0]
    y = np.digitize(logit + draw.logistic(size=400), [0.0, 1.0][: classes - 1])
    model = KANClassifier((3,), random_state=0).fit(x, y)
    assert model.shares_["network"] > 0.3
    assert model.errors_["blend"] < model.errors_["constant"]
    assert log_loss(y, model.predict_proba(x)) < model.errors_["blend"]
    assert sum(model.shares_.values()) <= 1 + 1e-9
    depth = len(model.network_)
    assert depth == 2
    rebuilt = torch.tensor(model.target_mean_) + model.network_(model._columns(x))
    np.testing.assert_allclose(np.squeeze(rebuilt.detach().numpy()), model.decision_function(x))


def test_curves_alone_and_deeper_networks():
    x = RANDOM.uniform(-1, 1, (150, 2))
    y = np.sin(3 * x[:, 0]) + x[:, 1] ** 2
    for hidden in ((), (2, 2), ([1, 1],)):
        model = KANRegressor(hidden, random_state=0).fit(x, y)
        assert model.score(x, y) > 0.99
        assert len(model.network_) == 1 + len(hidden)
    assert "network" not in KANRegressor((), random_state=0).fit(x, y).shares_


def test_rows_beyond_are_tame():
    """Skewed rows: a few lie far out, and new ones farther."""
    x = np.exp(RANDOM.normal(size=(150, 2)))
    y = np.log(x[:, 0]) + np.sqrt(x[:, 1]) + 0.1 * RANDOM.normal(size=150)
    new = np.exp(1.3 * RANDOM.normal(size=(400, 2)))
    model = KANRegressor(random_state=0).fit(x, y)
    with pytest.warns(ExtrapolationWarning):
        found = model.predict(new)
    assert r2_score(np.log(new[:, 0]) + np.sqrt(new[:, 1]), found) > 0.7
    with pytest.warns(ExtrapolationWarning):
        assert np.abs(model.predict(1e6 * new)).max() < 10 * np.abs(y).max()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_rare_classes(seed):
    """The best that can be: 0.874 on new rows."""
    draw = np.random.default_rng(seed)

    def rows(count):
        x = draw.uniform(-1, 1, (count, 3))
        return x, draw.uniform(size=count) < 1 / (1 + np.exp(-(4 * x[:, 0] * x[:, 1] - 5 + 2 * x[:, 2])))

    (x, y), (new, wanted) = rows(1500), rows(20_000)
    scores = [roc_auc_score(wanted, KANClassifier(random_state=r).fit(x, y).predict_proba(new)[:, 1]) for r in range(2)]
    assert min(scores) > 0.84


def test_two_seeds_agree():
    x = RANDOM.uniform(-1, 1, (200, 3))
    y = np.sin(3 * x[:, 0]) * x[:, 1] + x[:, 2] + 0.2 * RANDOM.normal(size=200)
    one, other = (KANRegressor(random_state=seed).fit(x, y).predict(x) for seed in (0, 1))
    assert r2_score(one, other) > 0.98


def test_inspection_by_scikit_learn():
    x = RANDOM.uniform(-1, 1, (100, 3))
    model = KANRegressor((), random_state=0).fit(x, x[:, 0] ** 2 + 0.3 * x[:, 1])
    important = permutation_importance(model, x, x[:, 0] ** 2 + 0.3 * x[:, 1], random_state=0).importances_mean
    assert important.argsort().tolist() == [2, 1, 0]
    found = partial_dependence(model, x, [1], grid_resolution=20)
    curve, points = found["average"][0], found["grid_values"][0]
    np.testing.assert_allclose(np.polyfit(points, curve, 1)[0], 0.3, atol=0.02)
