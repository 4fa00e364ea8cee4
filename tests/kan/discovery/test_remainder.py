"""Small terms of exact data: the right formula is the one that the data was made with."""

import numpy as np
import pytest
import torch

from edgewise.kan import KAN
from edgewise.kan.discovery.discover import discover
from edgewise.kan.discovery.remainder import is_predictable
from edgewise.kan.discovery.search import Search
from edgewise.kan.fitting.data import Table

FEW = ["x", "x^2", "x^3", "sin", "exp"]
QUICK = {"starts": 1, "steps": 8, "seed": 0}


def rows(count, columns, low=-1.0, high=1.0, seed=0):
    return np.random.default_rng(seed).uniform(low, high, (count, columns))


@pytest.mark.slow
@pytest.mark.parametrize("size", [1e-3])
def test_a_small_term_of_exact_data_is_found(size):
    x = rows(150, 2)
    found = discover(x, x[:, 0] ** 2 + size * np.sin(3 * x[:, 1]), hidden=(1,), functions=["x", "x^2", "sin"], **QUICK)
    assert "completed" in [name for name, _ in found.stages]
    new = rows(200, 2, seed=1)
    truth = new[:, 0] ** 2 + size * np.sin(3 * new[:, 1])
    assert np.abs(found.formula(new)[:, 0] - truth).max() < 1e-3 * size
    assert np.abs(found.in_units()(torch.tensor(new)).detach().numpy()[:, 0] - truth).max() < 1e-3 * size
    assert np.sqrt(np.mean((found.predict(new).numpy()[:, 0] - truth) ** 2)) < 0.5 * size
    assert len(found.choices) == sum(int(layer.symbolic.present.sum()) for layer in found.symbolic)


@pytest.mark.slow
def test_a_steep_term_of_wide_data_is_kept():
    x = rows(500, 2, 0.1, 10)
    y = 1 / x[:, 0] + x[:, 1] ** 2
    found = discover(x, y, hidden=(1,), functions=["x", "x^2", "1/x", "exp", "log"], **QUICK)
    np.testing.assert_allclose(found.formula(x)[:, 0], y, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.05, 0.2])
def test_noise_gets_no_terms(noise):
    x = rows(200, 3)
    y = x[:, 0] ** 2 + 0.5 * np.sin(3 * x[:, 1])
    y = y + noise * y.std() * np.random.default_rng(3).normal(size=200)
    found = discover(x, y, hidden=(2,), functions=FEW, **QUICK)
    assert found.formula.variables[2] not in found.formula.expressions[0].free_symbols
    assert "completed" not in [name for name, _ in found.stages]
    assert found.formula.rmse == pytest.approx(noise * 0.35, rel=0.6)


def test_a_formula_is_as_good_as_it_is_on_the_data():
    """A straight line through a parabola: what it leaves over is known."""
    x = np.linspace(-1, 1, 101)[:, None]
    found = discover(x, x[:, 0] + 0.1 * x[:, 0] ** 2, hidden=(), functions=["x"], steps=5, seed=0)
    left = 0.1 * (x[:, 0] ** 2 - (x[:, 0] ** 2).mean())
    assert found.formula.rmse == pytest.approx(left.std(), rel=1e-3)
    assert found.formula.relative == pytest.approx(left.std() / (x[:, 0] + 0.1 * x[:, 0] ** 2).std(), rel=1e-3)


@pytest.mark.parametrize(("signal", "known"), [(1.0, True), (0.0, False)])
def test_whether_anything_is_left(signal, known):
    torch.manual_seed(0)
    x = 2 * torch.rand(200, 2).double() - 1
    y = signal * (3 * x[:, 1:]).sin() + 0.2 * torch.randn(200, 1).double()
    search = Search(KAN([2, 2, 1]).double(), Table(x, y), "lm", None, 10, lambda history: None)
    assert is_predictable(search, Table(search.table.x, search.table.y)) == known
    assert is_predictable(search, Table(search.table.x, 1e-3 * search.table.y)) == known


@pytest.mark.parametrize("hidden", [(), (2,)])
@pytest.mark.parametrize("number", [0.0, 3.5])
def test_a_constant_is_the_formula_of_a_constant(number, hidden):
    found = discover(rows(60, 2), np.full(60, number), hidden=hidden, functions=["x", "sin"], steps=2, seed=0)
    assert float(found.formula.expressions[0]) == number
    assert found.formula.rmse == 0
