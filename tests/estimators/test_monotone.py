import numpy as np
import pandas as pd
import pytest
import torch
from scipy.optimize import lsq_linear, minimize
from sklearn.base import clone
from sklearn.isotonic import IsotonicRegression

from edgewise import ConfigError, EdgewiseWarning
from edgewise.estimators import KANRegressor
from edgewise.estimators.monotone import Cone, least_quadratic, minimise_within
from edgewise.estimators.ways import ways_of
from edgewise.kan.fitting.losses import Poisson

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (120, 3))
Y = np.sin(4 * X[:, 0]) + X[:, 1] ** 2 - 0.5 * X[:, 1] + np.sin(3 * X[:, 2]) + 0.1 * RNG.normal(size=120)
WAYS = [1, -1, 0]


def steepest(model, ways, reach=0.0):
    """The worst step in the wrong direction on dense lines through random rows, in deviations of the targets."""
    worst, x = 0.0, RNG.uniform(-1, 1, (20, 3))
    for column, way in enumerate(ways):
        lines = np.repeat(x, 300, axis=0).reshape(20, 300, 3)
        lines[..., column] = np.linspace(-1 - reach, 1 + reach, 300)
        told = model.predict(lines.reshape(-1, 3)).reshape(20, 300)
        worst = min(worst, float((way * np.diff(told, axis=1)).min()))
    return worst / Y.std()


def test_least_squares_over_a_cone_are_those_of_scipy():
    table, wanted = RNG.normal(size=(30, 8)), RNG.normal(size=30)
    bounded = np.arange(8) % 3 != 0
    found = least_quadratic(torch.tensor(table.T @ table), torch.tensor(-table.T @ wanted)[:, None], torch.tensor(bounded))
    expected = lsq_linear(table, wanted, (np.where(bounded, 0, -np.inf), np.inf), method="bvls", tol=1e-14)
    assert (expected.x == 0).any()
    np.testing.assert_allclose(found[:, 0], expected.x, atol=1e-8)


def test_a_loss_over_a_cone_is_least_where_scipy_finds_it():
    values, penalty = torch.tensor(RNG.normal(size=(80, 4))), 0.1 * torch.eye(4).double()
    y = torch.tensor(RNG.poisson(np.exp(0.3 - 0.5 * values[:, 0].numpy() + 0.5 * values[:, 1].numpy()))).double()[:, None]
    weight = torch.tensor(RNG.uniform(1, 2, 80))
    found = minimise_within(Cone.of_lines([1, -1, 0, 1]), values, y, weight, Poisson(), penalty)

    def loss(c):
        c = torch.tensor(c)[:, None]
        rows = Poisson().rows(c[0] + values @ c[1:], y)
        return float(weight @ rows / weight.sum() + (c[1:] * (penalty @ c[1:])).sum())

    bounds = [(None, None), (0, None), (None, 0), (None, None), (0, None)]
    expected = minimize(loss, np.zeros(5), bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-9})
    assert loss(found[:, 0].numpy()) <= expected.fun + 1e-9
    np.testing.assert_allclose(found[:, 0], expected.x, atol=1e-4)
    assert found[1] == found[2] == 0  # the truth falls where it must rise


@pytest.mark.parametrize("loss", ["squares", "huber", "poisson"])
def test_predictions_rise_and_fall_on_dense_lines_and_beyond_them(loss):
    y = np.exp(Y) if loss == "poisson" else Y
    model = KANRegressor(monotonic_cst=WAYS, loss=loss, random_state=0).fit(X, y)
    assert steepest(model, WAYS) > -1e-12
    with pytest.warns(EdgewiseWarning, match="lie beyond the training rows"):
        assert steepest(model, WAYS, reach=2.0) > -1e-12
    assert sum(model.shares_.values()) > 0.5
    free = KANRegressor((), loss=loss, random_state=0).fit(X, y)
    assert steepest(free, WAYS) < -0.01


def test_what_is_free_costs_nothing():
    """Of targets that do rise, the errors are nearly those of a fit that may do anything."""
    y = np.tanh(2 * X[:, 0]) - np.exp(X[:, 1]) + np.sin(3 * X[:, 2]) + 0.2 * RNG.normal(size=120)
    told, free = (KANRegressor((), monotonic_cst=ways, random_state=0).fit(X, y) for ways in (WAYS, None))
    new = RNG.uniform(-1, 1, (500, 3))
    truth = np.tanh(2 * new[:, 0]) - np.exp(new[:, 1]) + np.sin(3 * new[:, 2])
    errors = [float(np.mean((model.predict(new) - truth) ** 2)) for model in (told, free)]
    assert errors[0] < 1.2 * errors[1]


def test_of_what_falls_a_rising_fit_is_the_mean():
    x = RNG.uniform(-1, 1, (60, 1))
    y = -3 * x[:, 0]
    with pytest.warns(EdgewiseWarning, match="no shape tells rows held back better than their mean"):
        told = KANRegressor(monotonic_cst=[1], random_state=0).fit(x, y).predict(x)
    np.testing.assert_allclose(told, IsotonicRegression().fit(x[:, 0], y).predict(x[:, 0]), atol=1e-9)


def test_names_and_columns_that_are_made():
    frame = pd.DataFrame({"a": X[:, 0], "town": np.where(X[:, 1] > 0, "Rome", "Bonn"), "b": X[:, 2]})
    frame.loc[:10, "a"] = np.nan
    model = KANRegressor(monotonic_cst={"b": -1, "a": 1}, random_state=0)
    assert clone(model).get_params()["monotonic_cst"] == {"b": -1, "a": 1}
    model.fit(frame, Y)
    assert model.columns_[:2] == ["a", "b"]
    line = pd.DataFrame({"a": np.linspace(-1, 1, 200), "town": "Rome", "b": 0.3})
    assert np.diff(model.predict(line)).min() > -1e-12
    line = line.assign(b=line["a"], a=0.1)
    assert np.diff(model.predict(line)).max() < 1e-12
    with pytest.raises(ConfigError, match="column 'town' holds words, with which nothing rises or falls"):
        KANRegressor(monotonic_cst={"town": 1}).fit(frame, Y)


@pytest.mark.filterwarnings("ignore:the best formula that fits what is known")
def test_formulas_rise_and_fall():
    model = KANRegressor(monotonic_cst=[1, 0, 0], symbolic=True, functions=["x", "exp"], max_time=3, random_state=0)
    model.fit(X, np.exp(X[:, 0]) + X[:, 1] + 0.05 * RNG.normal(size=120))
    assert steepest(model, [1, 0, 0]) > -1e-9
    assert model.formula_.relative < 0.3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"monotonic_cst": [1, 0]}, "one number for each of 3 columns, got 2"),
        ({"monotonic_cst": [1, 0, 2]}, "is 1, -1 or 0 for each column, got 2"),
        ({"monotonic_cst": {"a": 1}}, "the rows have no names: give one number for each column"),
        ({"monotonic_cst": WAYS, "hidden": (5,)}, r"without hidden nodes, got \(5,\)"),
        ({"monotonic_cst": WAYS, "penalty": 0.1}, "penalty=0.1 asks for a single network"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    with pytest.raises(ConfigError, match=message):
        KANRegressor(**settings).fit(X, Y)


def test_other_uses_that_cannot_be():
    with pytest.raises(ConfigError, match="of one target, got 2"):
        KANRegressor(monotonic_cst=WAYS).fit(X, np.stack([Y, Y], 1))
    with pytest.raises(ConfigError, match="monotonic_cst is of fit"):
        KANRegressor(monotonic_cst=WAYS).partial_fit(X, Y)
    with pytest.raises(ConfigError, match="unknown column 'agee'; did you mean 'age'"):
        ways_of({"agee": 1}, 2, ["dose", "age"])
