"""Rows that come in chunks: beside the solution on all rows at once, by scikit-learn, SciPy and autograd."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.interpolate import BSpline
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score

from edgewise import EdgewiseError, EdgewiseWarning
from edgewise.estimators import KANClassifier, KANRegressor
from edgewise.estimators.online import RIDGE, Chunk, penalty_of
from edgewise.estimators.penalised import HALF_WAVE
from edgewise.kan import KAN
from edgewise.kan.fitting import CrossEntropy, Poisson, Table
from edgewise.kan.fitting.losses import Squares

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, (500, 3))
X[0], X[1] = [-1] * 3, [1] * 3
Y = np.sin(3 * X[:, 0]) * X[:, 1] + X[:, 2] ** 2
NOISY = Y + 0.2 * RANDOM.normal(size=500)


def in_chunks(model, x, y, chunks=10, weight=None, **first):
    for number, part in enumerate(np.array_split(np.arange(len(y)), chunks)):
        given = {} if weight is None else {"sample_weight": weight[part]}
        model.partial_fit(x[part], y[part], **given, **({} if number else first))
    return model


@pytest.mark.parametrize("weight", [None, RANDOM.integers(1, 4, 500).astype(float)])
@pytest.mark.parametrize("y", [NOISY, np.c_[NOISY, 5 - X[:, 0]]], ids=["one", "two"])
def test_ten_chunks_are_the_ridge_solution_on_all_rows(y, weight):
    model = in_chunks(KANRegressor((), penalty=2.0, random_state=0), X, y, 10, weight)
    layer, functions = model.network_[0], model.network_[0].edge_features(model._columns(X))
    functions, outputs = functions.flatten(1).numpy(), len(model.target_mean_)
    single = KAN([3, 1], layer.edge.basis).double()
    for name, tensor in layer.state.tensors().items():
        single[0].state.tensors()[name].copy_(tensor)
    order = np.r_[[[j, *range(3 + j * 6, 9 + j * 6)] for j in range(3)]].ravel()  # base weights first, then splines
    bends = penalty_of(single, 2.0).curvature.numpy()[np.ix_(order, order)]
    rows = np.r_[functions, np.linalg.cholesky(outputs * bends).T]
    targets = (y.reshape(500, -1) - model.target_mean_) / model.target_scale_
    targets = np.r_[targets, np.zeros((functions.shape[1], outputs))]
    weights = np.r_[np.ones(500) if weight is None else weight, np.ones(functions.shape[1])]
    ridge = Ridge(alpha=1e-12, fit_intercept=False, solver="cholesky").fit(rows, targets, weights)
    wanted = ridge.predict(functions).reshape(500, -1) * model.target_scale_ + model.target_mean_
    np.testing.assert_allclose(model.predict(X).reshape(500, -1), wanted, rtol=1e-7, atol=1e-7)
    assert model.n_samples_seen_ == 500


def test_the_penalty_is_the_bend():
    model = KAN([1, 1], base=None, grid=4).double()
    model.update_grid(torch.linspace(-2, 3, 50).double().unsqueeze(1), eps=0.5)
    curvature = penalty_of(model, 3.0).curvature.numpy() - RIDGE * np.eye(7)
    numbers = RANDOM.normal(size=7)
    second = BSpline(model[0].state.tensors()["knots"][0].numpy(), numbers, 3).derivative(2)
    points = np.linspace(-2, 3, 20_001)
    wanted = 3 * np.square(second(points[1:-1])).mean() * 5**4 / HALF_WAVE  # on a domain of length 1
    assert numbers @ curvature @ numbers == pytest.approx(wanted, rel=0.02)


@pytest.mark.parametrize(("loss", "y"), [(Squares(), Y), (CrossEntropy(), Y > 0), (Poisson(), np.exp(Y).round())])
@torch.no_grad()
def test_the_slope_is_that_of_the_value(loss, y):
    torch.manual_seed(0)
    model = KAN([3, [2, 1], 1], grid=3).double()
    table = Table(torch.tensor(X), torch.tensor(y).double().unsqueeze(1), None, torch.arange(500).double() % 3)
    before = penalty_of(model, 1.0)
    before.gradient.copy_(torch.linspace(-1, 1, len(before.gradient)))
    chunk = Chunk(model, table, loss, before)
    slope, step = 2 * chunk.expansion().gradient, 1e-6
    numbers = torch.cat([p.detach().flatten() for p in chunk.numbers])
    for place in range(0, len(numbers), 11):
        ends = []
        for sign in (1, -1):
            moved = numbers.clone()
            moved[place] += sign * step
            chunk._write(chunk.numbers, moved)
            ends.append(chunk.value())
        chunk._write(chunk.numbers, numbers)
        assert float(slope[place]) == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-4, abs=1e-4)


def test_bent_by_no_means_a_classifier_is_logistic_regression():
    logit = 2 * X[:, 0] - X[:, 1] - 0.5
    y = RANDOM.uniform(size=500) < 1 / (1 + np.exp(-logit))
    model = in_chunks(KANClassifier((), penalty=1e4, grid=1, random_state=0), X, y, 5, classes=[False, True])
    wanted = LogisticRegression(C=1e6).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(model.predict_proba(X), wanted, atol=0.03)


def test_further_chunks_make_a_network_better_and_rows_before_are_remembered():
    errors, model = [], KANRegressor(random_state=0)
    for part in np.array_split(np.arange(500), 5):
        model.partial_fit(X[part], NOISY[part])
        errors.append(1 - r2_score(Y, model.predict(X)))
    assert errors[-1] < 0.5 * errors[0]
    alone = KANRegressor(random_state=0).partial_fit(X[:100], NOISY[:100])
    assert r2_score(Y[:100], model.predict(X[:100])) > r2_score(Y[:100], alone.predict(X[:100]))


def test_what_is_stored_goes_on_as_what_was_not():
    model = in_chunks(KANRegressor((2,), random_state=0), X[:200], NOISY[:200], 2)
    other = pickle.loads(pickle.dumps(model))
    one, two = (m.partial_fit(X[200:], NOISY[200:]).predict(X) for m in (model, other))
    np.testing.assert_array_equal(one, two)


def test_a_fit_forgets_and_is_forgotten():
    model = in_chunks(KANRegressor((), random_state=0), X[:100], NOISY[:100], 2)
    with pytest.raises(EdgewiseError, match="partial_fit and the fit of a single network"):
        model.predict_interval(X)
    model.fit(X, NOISY)
    np.testing.assert_array_equal(model.predict(X), KANRegressor((), random_state=0).fit(X, NOISY).predict(X))
    assert model.predict_interval(X).shape == (500, 2)
    with pytest.warns(EdgewiseWarning, match="what it has learned is forgotten, and this is the first chunk"):
        model.partial_fit(X, NOISY)
    wanted = KANRegressor((), random_state=0).partial_fit(X, NOISY)
    np.testing.assert_array_equal(model.predict(X), wanted.predict(X))
    assert vars(model).keys() == vars(wanted).keys()


def test_classes_may_be_missing_from_a_chunk_and_none_may_be_new():
    y = np.digitize(Y, [0.0, 0.6])
    order = np.argsort(y, kind="stable")
    model = KANClassifier((2,), random_state=0)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        model.partial_fit(X, y)
    in_chunks(model, X, y, 2, classes=[0, 1, 2])
    model.partial_fit(X[order[:20]], y[order[:20]], sample_weight=np.full(20, 1e-3))
    assert model.predict_proba(X).shape == (500, 3)
    assert model.score(X, y) > 0.8
    with pytest.raises(ValueError, match="class 3 is none of the classes that were named: 0, 1, 2"):
        model.partial_fit(X[:5], [0, 1, 2, 3, 0])
    with pytest.raises(ValueError, match="is not the same as on last call"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.warns(EdgewiseWarning, match="this is the first chunk"):
        model = KANClassifier((), random_state=0).fit(X, y).partial_fit(X, y > 1, classes=[False, True])
    assert model.classes_.tolist() == [False, True]
    with pytest.raises(ValueError, match="at least 2 classes, got one"):
        KANClassifier().partial_fit(X, y, classes=[1])
    with pytest.raises(EdgewiseError, match="give class_weight as a dict"):
        KANClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])


def test_words_and_empty_cells_of_the_first_chunk_are_known():
    town = RANDOM.choice(["Bonn", "Oslo"], 500)
    table = pd.DataFrame({"a": X[:, 0], "town": town})
    table.loc[::7, "a"] = np.nan
    y = table.a.fillna(2) + 3 * (town == "Oslo")
    model = KANRegressor((), random_state=0)
    for part in np.array_split(np.arange(500), 5):
        model.partial_fit(table.iloc[part], y.iloc[part])
    assert model.columns_ == ["a", "a is missing", "town is Bonn", "town is Oslo"]
    assert model.score(table, y) > 0.999
    with pytest.warns(EdgewiseWarning, match="'town' holds 'Kiel', which no training row had"):
        model.partial_fit(table.assign(town="Kiel"), y)
    with pytest.raises(ValueError, match="feature names"):
        model.partial_fit(table[["town", "a"]], y)


def test_what_the_first_chunk_did_not_know_is_said():
    x = np.c_[X, np.zeros(500)]
    with pytest.warns(EdgewiseWarning, match=r"column 3 .counted from 0. is 0 in all rows"):
        model = KANRegressor((), random_state=0).partial_fit(x, Y)
    with pytest.warns(EdgewiseWarning, match=r"column 3 .counted from 0. varies now and did not in the first chunk"):
        model.partial_fit(np.c_[X, np.arange(500)], Y)
    with pytest.warns(EdgewiseWarning, match=r"50% of the rows lie beyond those of the first chunk in column 0 .counted"):
        model.partial_fit([x[2], [9.0, 0, 0, 0]], Y[2:4])
    assert model.fraction_outside([[10.0, 0, 0, 0], [9.0, 0, 0, 0]])[0] == 0.5  # the second has been seen


@pytest.mark.parametrize(
    ("settings", "y", "message"),
    [
        ({"symbolic": True}, Y, "formulas are sought on all rows at once"),
        ({"optimizer": "adam"}, Y, "takes steps of optimizer='lm', got 'adam'"),
        ({"penalty": [1.0, 0.1]}, Y, r"one positive number, or None for 1, got \[1.0, 0.1\]"),
        ({"penalty": 0.0}, Y, "one positive number, or None for 1, got 0.0"),
        ({"hidden": (400,)}, Y, "there may be 3000, and the network has"),
        ({}, np.full(500, 2.0), "target 0 .counted from 0. is 2 in all rows of the first chunk"),
    ],
)
def test_what_cannot_come_in_chunks(settings, y, message):
    with pytest.raises(EdgewiseError, match=message):
        KANRegressor(**settings).partial_fit(X, y)


def test_other_targets_than_before_are_refused_and_a_count_of_none_is_not():
    model = KANRegressor((), loss="poisson", random_state=0).partial_fit(X, np.exp(Y).round())
    model.partial_fit(X[:1], [0.0])
    assert model.n_samples_seen_ == 501
    with pytest.raises(EdgewiseError, match="had 1 targets a row and this one has 2"):
        model.partial_fit(X, np.c_[np.exp(Y), np.exp(Y)])
    with pytest.raises(EdgewiseError, match="at least 0"):
        model.partial_fit(X, Y - 5)
