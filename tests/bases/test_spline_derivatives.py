"""B-splines with derivatives, against scipy on the domain and autograd everywhere."""

import math

import pytest
import torch
from scipy.interpolate import BSpline as ScipySpline

from edgewise.bases import BSpline
from edgewise.bases.spline_derivatives import spline_derivatives
from edgewise.testing import assert_within


def made(degree, outside, knots):
    torch.manual_seed(degree)
    basis = BSpline(5, degree, (-1, 2), outside, knots)
    state = basis.init_state(3, dtype=torch.double)
    return basis, {name: t + 0.1 * torch.rand_like(t) for name, t in state.items()}


def points():
    x = torch.rand(200, 3).double() * 7 - 3
    x[0] = torch.tensor([-1.0, 2.0, 0.55])  # both ends of the domain
    return x


CASES = [(k, rule) for k in range(6) for rule in ("zero", "clamp", "linear") if k > 1 or rule != "linear"]


@pytest.mark.parametrize("knots", ["uniform", "per-feature"])
@pytest.mark.parametrize(("degree", "outside"), CASES)
def test_the_derivatives_are_those_of_autograd(degree, outside, knots):
    basis, state = made(degree, outside, knots)
    x = points().requires_grad_()
    parts = list(basis.evaluate(x, state).unbind(-1))
    for order, found in enumerate(spline_derivatives(basis, x.detach(), state, 3)):
        if order > degree:
            assert not found.any()
            continue
        assert_within(found, torch.stack(parts, -1).detach(), 1e-12)
        for place, part in enumerate(parts):
            if part.requires_grad:
                options = {"create_graph": True, "materialize_grads": True}
                parts[place] = torch.autograd.grad(part.sum(), x, **options)[0]
            else:
                parts[place] = torch.zeros_like(part)


def test_the_derivatives_are_those_of_scipy():
    basis, state = made(4, "zero", "per-feature")
    knots = state["knots"][0].numpy()
    x = torch.linspace(float(knots[4]) + 1e-3, float(knots[-5]) - 1e-3, 50).double()
    for order, found in enumerate(spline_derivatives(basis, x.unsqueeze(1).expand(-1, 3), state, 3)):
        for place in range(basis.num_functions):
            unit = [float(i == place) for i in range(basis.num_functions)]
            expected = torch.tensor(ScipySpline(knots, unit, 4).derivative(order)(x.numpy()))
            assert_within(found[:, 0, place], expected, 1e-11)


def test_a_nan_stays_in_its_place():
    for knots in ("uniform", "per-feature"):
        basis, state = made(3, "linear", knots)
        x = points()
        x[3, 1] = math.nan
        for found in spline_derivatives(basis, x, state, 2):
            assert found[3, 1].isnan().any()
            assert not found[3, [0, 2]].isnan().any()
            assert not found[4:].isnan().any()
