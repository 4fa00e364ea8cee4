"""Straight on from the ends of the domain: slopes that are exact, and graphs that hold them."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline as ScipySpline
from torch.utils.checkpoint import checkpoint

from edgewise._ground.errors import ConfigError
from edgewise.bases import BSpline, Monomials, create_basis, list_bases
from edgewise.bases.basis import _slopes_of
from edgewise.nn import KANLinear, update_grid
from edgewise.ops import use_backend
from edgewise.testing import assert_within


def straight(name):
    basis = create_basis(name)
    if "outside" not in [field.name for field in fields(basis)]:
        pytest.skip("has no rule for the outside")
    try:
        return replace(basis, outside="linear")
    except ConfigError:
        pytest.skip("has no slope at the ends")


@pytest.mark.parametrize("name", list_bases())
def test_a_basis_that_is_first_made_without_memory_has_its_slopes(name):
    expected = straight(name)._constant_slopes
    _slopes_of.cache_clear()
    with torch.device("meta"):
        assert straight(name)._constant_slopes == expected


@pytest.mark.parametrize("degree", [2, 3, 4, 5])
@pytest.mark.parametrize("knots", ["uniform", "per-feature"])
def test_slopes_of_splines_are_scipys(degree, knots):
    basis = BSpline(5, degree, (-1.0, 2.0), "linear", knots)
    state = {key: t.double() for key, t in basis.init_state(1).items()}
    if knots == "per-feature":
        state["knots"] = torch.cat([torch.tensor([[0.0]]), torch.rand(1, 5 + 2 * degree).cumsum(1)], 1).double()
    all_knots = state["knots"][0].numpy() if state else np.linspace(-1 - degree * 0.6, 2 + degree * 0.6, 6 + 2 * degree)
    lo, hi = all_knots[degree], all_knots[-degree - 1]
    below, above = (slopes.reshape(-1) for slopes in basis._end_slopes(torch.zeros(1, 1).double(), state))
    for i in range(basis.num_functions):
        one = ScipySpline(all_knots, np.eye(basis.num_functions)[i], degree).derivative()
        np.testing.assert_allclose([below[i], above[i]], [one(lo), one(hi - 1e-12)], atol=1e-8)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("name", list_bases())
def test_a_graph_to_be_exported_holds_the_slopes(name, strict):
    layer, x = KANLinear(2, 3, straight(name)).double(), 6 * torch.randn(20, 2).double()
    program = torch.export.export(layer, (x,), strict=strict)
    expected = layer(x)
    assert (program.module()(x) - expected).abs().max() < 1e-9 * expected.abs().max()


@pytest.mark.parametrize("name", list_bases())
def test_differences_of_the_eighth_order_are_the_slopes(name):
    basis = straight(name)
    state = {key: t.detach().double() for key, t in basis.init_state(3).items()}
    ends = torch.stack([end.expand(3) for end in basis.bounds(torch.zeros(1, 3).double(), state)])
    if basis.smoothness == float("inf"):
        exact = basis._slopes(ends, state)
        assert (basis._differences(ends, state) - exact).abs().max() < 1e-9 * exact.abs().max()


def test_slopes_follow_moved_knots():
    layer = KANLinear(2, 3, BSpline(6, 3, outside="linear")).double()
    update_grid(layer, torch.randn(300, 2).double() ** 3)
    state = layer.state.tensors()
    ends = torch.stack(layer.edge.basis.bounds(torch.zeros(1, 2).double(), state))
    below, above = layer.edge.basis._end_slopes(torch.zeros(1, 2).double(), state)
    exact = layer.edge.basis._slopes(ends, state)
    assert torch.allclose(torch.stack([below, above]), exact, rtol=1e-9, atol=1e-9 * float(exact.abs().max()))


@pytest.mark.parametrize("backend", ["reference", "plain", "lean", "native"])
@pytest.mark.parametrize("name", list_bases())
def test_a_checkpoint_computes_the_slopes_anew(name, backend):
    """Functions with learned numbers have slopes that are taken on the way, in the forward pass."""
    layer, x = KANLinear(2, 3, straight(name)).double(), (6 * torch.randn(9, 2).double()).requires_grad_()
    tensors = [x, *layer.parameters()]

    def derivatives(run):
        first = torch.autograd.grad(run(layer, x).square().sum(), tensors, create_graph=True, materialize_grads=True)
        second = torch.autograd.grad(sum(t.square().sum() for t in first), tensors, materialize_grads=True)
        return first + second

    with use_backend(backend):
        found = derivatives(lambda layer, x: checkpoint(layer, x, use_reentrant=False))
        for mine, theirs in zip(found, derivatives(lambda layer, x: layer(x)), strict=True):
            assert_within(mine.detach(), theirs.detach(), 1e-10)


@pytest.mark.parametrize("name", ["sine", "gram", "wavelet"])
def test_learned_numbers_get_the_gradient_of_the_slopes_too(name):
    """By differences of the output far outside, in numbers that only the basis has."""
    basis = straight(name)
    state = {key: t.detach().double().requires_grad_() for key, t in basis.init_state(1).items()}
    x = torch.full((1, 1), 9.0, dtype=torch.double)
    names = [key for key, t in state.items() if t.is_floating_point()]
    gradients = torch.autograd.grad(basis.evaluate(x, state).sum(), [state[key] for key in names])
    for key, gradient in zip(names, gradients, strict=True):
        step = torch.zeros_like(state[key])
        step.view(-1)[0] = 1e-6
        ahead, behind = (basis.evaluate(x, state | {key: state[key] + sign * step}).sum() for sign in (1, -1))
        assert gradient.view(-1)[0].item() == pytest.approx(((ahead - behind) / 2e-6).item(), rel=1e-5, abs=1e-7)


@torch.library.custom_op("edgewise_tests::powers_beyond", mutates_args=())
def _powers_beyond(x: torch.Tensor) -> torch.Tensor:
    return Monomials(3, (0.0, 2.125), "linear").evaluate(x)


def test_a_basis_first_made_within_an_operator_has_its_slopes():
    """Autograd records nothing there. One beyond the end, t^k is 1 + k dt/dx."""
    found = _powers_beyond(torch.tensor([3.125], dtype=torch.double, requires_grad=True))[0]
    assert found.tolist() == pytest.approx([1 + k * 2 / 2.125 for k in range(4)])
