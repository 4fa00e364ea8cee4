"""Fits on another device: the same numbers as on the CPU, and a network that comes back."""

import copy

import pytest
import torch

from edgewise import ConfigError
from edgewise.kan import KAN
from edgewise.kan.fitting import CrossEntropy, Huber, Poisson
from edgewise.testing import AWAY, OtherDevice, assert_within

X = torch.rand(100, 2, dtype=torch.double, generator=torch.Generator().manual_seed(0)) * 2 - 1
Y = torch.sin(3 * X[:, :1]) + X[:, 1:].square()
COUNTS, SHARES = Y.exp().round(), torch.eye(3, dtype=torch.double)[torch.arange(100) % 3]


def network(width):
    torch.manual_seed(0)
    return KAN(width, grid=3).double()


@pytest.mark.parametrize(
    ("width", "y", "options"),
    [
        pytest.param([2, 1], Y, {"optimizer": "lbfgs", "steps": 1}, marks=pytest.mark.slow),
        ([2, 2, 1], Y, {"optimizer": "lm", "grids": [3, 4], "penalty": [1e-2, 0.0], "test": (X, Y), "starts": 2}),
        ([2, 1], Y, {"optimizer": "adam", "weights": torch.arange(100) + 1.0}),
        ([2, [1, 1], 1], COUNTS, {"optimizer": "lm", "loss": Poisson()}),
        ([2, 1], Y, {"optimizer": "lm", "loss": Huber(0.1)}),
        ([2, 3], SHARES, {"optimizer": "lm", "loss": CrossEntropy()}),
    ],
    ids=["lbfgs", "lm", "adam", "poisson", "huber", "classes"],
)
def test_a_fit_there_is_that_of_the_cpu(width, y, options):
    here = network(width)
    there = copy.deepcopy(here)
    options = {"steps": 2, "progress": False} | options
    torch.manual_seed(1)
    expected = here.fit((X, y), **options)
    torch.manual_seed(1)
    with OtherDevice() as other:
        found = there.fit((X, y), device=AWAY, **options)
    assert other.waits
    assert found.loss == pytest.approx(expected.loss, rel=1e-6)
    for p, q in zip(there.parameters(), here.parameters(), strict=True):
        assert p.device.type == "cpu"
        assert_within(p.detach(), q.detach(), 1e-5)


def test_rows_and_networks_of_the_other_device():
    with OtherDevice():
        model = network([2, 1]).to(AWAY)
        model.fit((X.to(AWAY), Y.to(AWAY)), optimizer="lm", steps=1, progress=False)
        assert model[0].coef.device == AWAY
        assert model.rows is not None
        assert model.rows.device.type == "cpu"  # so that a copy can be read anywhere
        assert model.prune()[0].coef.device == AWAY


@pytest.mark.slow
def test_a_network_there_is_read_there():
    pytest.importorskip("sympy")
    with OtherDevice():
        model = network([2, 1]).to(AWAY)
        model.auto_symbolic(X.to(AWAY), ["x", "x^2"], min_r2=0.0)
        y = model(X.to(AWAY))
        assert y.device == AWAY
        assert_within(model.symbolic_formula(tolerance=1e-12)(X), y.cpu().detach(), 1e-6)


def test_a_device_that_is_not_there_changes_nothing():
    model = network([2, 1])
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ConfigError, match="'cuda:9' is not there"):
        model.fit((X, Y), device="cuda:9")
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())
