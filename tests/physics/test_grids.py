"""Grids move wherever the layers of splines stand in a model."""

import pytest
import torch
from torch import nn

from edgewise.kan import KAN
from edgewise.nn import KANLinear
from edgewise.physics import Problem, Term, solve
from edgewise.physics.grids import movable


def decay(x):
    """u' + 2u = 0."""
    return Problem([Term("decay", x, lambda u: u.d(0) + 2 * u.value)])


class FromOne(nn.Module):
    """1 + x f(x): exact at 0."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return 1 + x * self.inner(x)


MODELS = {
    "network": lambda: KAN([1, 1]),
    "in a sequence": lambda: nn.Sequential(KAN([1, 1])),
    "a layer": lambda: KANLinear(1, 1),
    "layers": lambda: nn.Sequential(KANLinear(1, 3), KANLinear(3, 1)),
    "behind a plain layer": lambda: nn.Sequential(nn.Linear(1, 2), KAN([2, 1])),
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_domain_wider_than_the_grid_is_covered(kind):
    x = torch.linspace(0, 2, 100).double().unsqueeze(1)
    model = FromOne(MODELS[kind]()).double()
    course = solve(model, decay(x), test=(x, torch.exp(-2 * x)), steps=20)
    assert course.test_rmse[-1] < 1e-3
    assert (model(x) - torch.exp(-2 * x)).abs().max() < 3e-3


def test_a_network_that_only_an_equation_calls_is_moved_too():
    x = torch.linspace(0, 3, 60).double().unsqueeze(1)
    model = FromOne(KAN([1, 1], grid=8)).double()
    model.rate = KAN([1, 1]).double()
    solve(model, Problem([Term("eq", x, lambda u: u.d(0) - model.rate(u.x)[:, 0])]), steps=1)
    knots = model.rate[0].state.knots[0, 3:-3]
    assert [knots[0].item(), knots[-1].item()] == pytest.approx([0, 3], abs=1e-2)


def test_what_can_move_is_found_once():
    inner = nn.Sequential(nn.Linear(1, 2), KAN([2, 3, 1]), KANLinear(1, 1))
    assert list(movable(FromOne(inner))) == ["inner.1", "inner.2"]
    assert list(movable(KAN([1, 1]))) == [""]
    assert movable(nn.Linear(1, 1)) == {}


def test_points_on_an_edge_do_not_draw_the_knots_to_it():
    """Half of all points at t = 0: the knots stand where the others do, evenly."""
    inner = torch.rand(400, 1).double()
    x = torch.cat([inner, torch.zeros(400, 1).double()])
    model = KAN([1, 1], grid=10).double()
    solve(model, Problem([Term("value", x, lambda u: u.value, 1.0)]), steps=1)
    widths = model[0].state.knots[0, 3:-3].diff()
    assert 0.06 < widths.min() < widths.max() < 0.16
