"""One row unlike all others does not spoil the rest."""

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score

from edgewise import EdgewiseWarning
from edgewise.estimators import KANClassifier, KANRegressor
from edgewise.kan.discovery import discover

QUICK = {"hidden": (2,), "penalty": 1e-3, "steps": 8, "starts": 1}


def rows(seed=0, count=300):
    random = np.random.default_rng(seed)
    x = random.uniform(-1, 1, (count, 3))
    return x, np.sin(3 * x[:, 0]) + x[:, 1] ** 2 + 0.1 * random.normal(size=count)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e3, -1e6, 1e12])
@pytest.mark.parametrize("places", [[(0, 0)], [(0, 0), (1, 1), (2, 2), (3, 0)]], ids=["one", "columns"])
def test_outlying_inputs(places, size, dtype):
    x, y = rows()
    for place in places:
        x[place] = size
    model = KANRegressor(**QUICK, random_state=0).fit(x.astype(dtype), y)
    assert model.score(x.astype(dtype), y) > 0.9
    assert model.score(*rows(1)) > 0.9
    assert np.abs(model.predict(x.astype(dtype))).max() < 10
    deployed = model.deployment().network(torch.tensor(x.astype(dtype)).double())[:, 0]
    np.testing.assert_allclose(deployed.detach(), model.predict(x.astype(dtype)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_outlying_inputs_with_all_settings_as_they_come(seed):
    x, y = rows(seed)
    x[0, 0] = 1000
    model = KANRegressor(random_state=seed).fit(x, y)
    assert model.score(x, y) > 0.9


@pytest.mark.parametrize("size", [1e3, 1e12])
def test_outlying_targets_are_said(size):
    x, y = rows()
    y[5] = size
    with pytest.warns(EdgewiseWarning, match="target 0 .* where all others are from"):
        model = KANRegressor(**QUICK, random_state=0).fit(x, y)
    assert r2_score(y, model.predict(x)) > -0.01


def test_classes_of_outlying_inputs():
    x, y = rows()
    x[0, 0], x[1, 1] = 1e6, -1e12
    model = KANClassifier((), penalty=1e-3, steps=3, random_state=0).fit(x, y > 0.3)
    new, wanted = rows(1)
    assert model.score(x, y > 0.3) > 0.9
    assert model.score(new, wanted > 0.3) > 0.9


def test_a_formula_is_sought_on_the_other_rows():
    x, _ = rows()
    x[7, 0] = 1e6
    with pytest.warns(EdgewiseWarning, match=r"1 of 300 rows are left out.*1e\+06 in column 'a'"):
        found = discover(
            x, x[:, 0] ** 2 + x[:, 1], names=["a", "b", "c"], hidden=(), functions=["x", "x^2"], steps=5, seed=0
        )
    assert str(found.formula) == "a**2 + b"
