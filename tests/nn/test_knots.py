"""Knots that move to the samples: against numpy's quantiles and functions that any grid can represent."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import EdgewiseError
from edgewise.bases import BSpline
from edgewise.nn import KANLinear, refine_grid, update_grid
from edgewise.nn.knots import extended
from edgewise.testing import assert_within
from tests.nn.grids import F64, LAYERS, change, cubic, outputs, random_layer, uniform

SAMPLES = {
    "random": lambda: uniform((300, 4)),
    "skewed": lambda: uniform((300, 4), 0.03, 1.0) ** 5,
    "duplicated": lambda: torch.randint(-2, 3, (300, 4)).to(F64) / 3,
    "almost all zero": lambda: torch.cat([torch.zeros(300, 4, dtype=F64), uniform((3, 4))]),
    "gap": lambda: torch.cat([uniform((40, 4), -1, -0.8), uniform((40, 4), 0.7, 1)]),
    "constant": lambda: torch.full((50, 4), 0.3, dtype=F64),
    "one": lambda: uniform((1, 4)),
    "two": lambda: uniform((2, 4)),
    "three": lambda: uniform((3, 4)),
}


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("eps", [0.0, 0.02, 1.0])
@pytest.mark.parametrize("knots", ["uniform", "per-feature"])
@pytest.mark.parametrize("degree", [3, 4, 5])
def test_cubics_outlive_any_update(name, eps, knots, degree):
    layer = KANLinear(4, 3, BSpline(6, degree, knots=knots), base=None, dtype=F64)
    cubic(layer)
    x, coef = SAMPLES[name](), layer.coef
    lo, hi = (torch.full((4,), -1.0), torch.full((4,), 1.0)) if len(x.unique(dim=0)) == 1 else x.aminmax(dim=0)
    t = lo + (hi - lo) * torch.linspace(0, 1, 101, dtype=F64).unsqueeze(-1)
    before = layer(t).detach()
    update_grid(layer, x, eps)
    assert change(layer(t), before) < 1e-10
    assert layer.coef is coef
    assert layer.state.knots.shape == (4, 6 + 2 * degree + 1)
    assert (layer.state.knots.diff() > 0).all()
    assert layer.fraction_outside(x) == 0


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 1e-5), (torch.bfloat16, 1e-2)])
def test_cubics_outlive_updates_in_low_precision(name, dtype, most):
    layer = KANLinear(4, 3, BSpline(6, knots="per-feature"), base=None, dtype=dtype)
    cubic(layer)
    x = SAMPLES[name]()
    before = outputs(layer, x)
    update_grid(layer, x)  # of more digits than the knots
    change_rms = (outputs(layer, x) - before).square().mean().sqrt() / before.square().mean().sqrt()
    assert change_rms < most
    assert layer.fraction_outside(x) == 0


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("degree", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("outside", ["zero", "clamp"])
def test_samples_of_one_cell_keep_any_function(kind, degree, outside):
    layer, shape = random_layer(kind, BSpline(4, degree, outside=outside))
    x = uniform(shape, 0.0, 0.49)
    before = layer(x)
    update_grid(layer, x)
    assert change(layer(x), before) < 1e-10


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4, 5])
def test_knots_that_stay_keep_the_coefficients(degree):
    layer, _ = random_layer("linear", BSpline(5, degree))
    coef = layer.coef.detach().clone()
    update_grid(layer, torch.linspace(-1, 1, 11, dtype=F64).unsqueeze(-1).expand(-1, 4), eps=0.0)
    assert_within(layer.coef.detach(), coef, 1e-10)


def test_cells_without_samples_keep_their_function():
    layer = KANLinear(1, 1, BSpline(3), base=None, dtype=F64)
    cubic(layer)
    refine_grid(layer, 6)
    with torch.no_grad():
        layer.coef[0, -1] += 5  # in the last cell, [2/3, 1], something else
    t = torch.linspace(-1, 0.66, 300, dtype=F64).unsqueeze(-1)
    before = layer(t).detach()
    update_grid(layer, torch.cat([torch.linspace(-1, -2 / 3, 5), torch.tensor([2 / 3, 1])]).double().unsqueeze(-1), eps=0.0)
    assert (layer.state.knots[0, 3:-3] - 2 / 3).abs().min() < 1e-7  # the kink is a knot again
    assert change(layer(t), before) < 1e-6


def test_knots_are_quantiles_mixed_with_even_steps():
    x = torch.randn(101, 3, dtype=F64)
    for eps in (0.0, 0.25, 1.0):
        layer = KANLinear(3, 2, BSpline(8), dtype=F64)
        update_grid(layer, x, eps, margin=0.1)
        lo, hi = x.aminmax(dim=0)
        lo, hi = lo - 0.1 * (hi - lo), hi + 0.1 * (hi - lo)
        inner = torch.from_numpy(np.quantile(x.numpy(), np.arange(9) / 8, axis=0))
        inner[0], inner[-1] = lo, hi
        expected = eps * (lo + (hi - lo) * torch.arange(9).unsqueeze(-1) / 8) + (1 - eps) * inner
        assert_within(layer.state.knots[:, 3:-3].t(), expected, 1e-13)
        steps = layer.state.knots.diff()
        outer = torch.minimum(steps[:, [3, 3, 3, -4, -4, -4]], ((hi - lo) / 8).unsqueeze(-1))
        assert_within(steps[:, [0, 1, 2, -3, -2, -1]], outer, 1e-12)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("degree", [2, 3, 5])
@pytest.mark.parametrize("side", [1, -1])
def test_narrow_end_cells_leave_coefficients_and_margins_tame(kind, degree, side):
    layer, shape = random_layer(kind, BSpline(5, degree))
    x = side * torch.randn(shape, dtype=F64).relu() / 3  # half of the samples in one point, at an end of their range
    most = layer.coef.abs().max().item()
    update_grid(layer, x)
    assert layer.coef.abs().max() < 5 * most


@pytest.mark.parametrize("degree", [3, 5])
@pytest.mark.parametrize("outside", ["zero", "clamp", "linear"])
@pytest.mark.parametrize("seed", range(3))
def test_a_function_stays_tame_beyond_narrow_end_cells(degree, outside, seed):
    layer = KANLinear(1, 1, BSpline(10, degree, outside=outside), base=None, dtype=F64)
    with torch.no_grad():
        layer.coef.normal_()
    x = torch.randn(300, 1, generator=torch.Generator().manual_seed(seed), dtype=F64).relu() / 3
    inside = layer(torch.linspace(0, 1, 500, dtype=F64).unsqueeze(1)).abs().max()
    steepest = (10 * layer.coef.diff(dim=1)).abs().max()  # of any spline: degree times the largest step over its support
    update_grid(layer, x)
    beyond = torch.cat([torch.linspace(-0.4, 0, 200), x.max().float() + torch.linspace(0, 0.4, 200)]).double().unsqueeze(1)
    assert layer(beyond).abs().max() < 3 * inside + (0.4 * steepest if outside == "linear" else 0)


def test_margins_of_end_cells_without_width_are_as_wide_as_the_mean():
    inner = torch.tensor([[0.0, 0.0, 2.0, 3.0]], dtype=F64)
    assert extended(inner, 2).tolist() == [[-2.0, -1.0, 0.0, 0.0, 2.0, 3.0, 4.0, 5.0]]


def test_numbers_that_are_not_finite_are_left_out():
    x = torch.randn(50, 4, dtype=F64)
    spoilt = torch.cat([x, torch.tensor([math.nan, math.inf, -math.inf]).repeat_interleave(4).view(3, 4)])
    layers = [random_layer("linear", BSpline())[0]] * 2
    layers = [copy.deepcopy(layer) for layer in layers]
    update_grid(layers[0], x)
    update_grid(layers[1], spoilt[torch.randperm(53)])
    assert torch.equal(layers[0].state.knots, layers[1].state.knots)
    assert torch.equal(layers[0].coef, layers[1].coef)


def test_a_constant_feature_keeps_its_grid_and_coefficients():
    layer, _ = random_layer("linear", BSpline())
    coef = layer.coef.detach().clone()
    x = torch.randn(50, 4, dtype=F64)
    x[:, 2] = 0.3 + 1e-16 * x[:, 2]
    update_grid(layer, x, margin=0.5)
    kept = BSpline(knots="per-feature").init_state(1, dtype=F64)["knots"][0]
    assert torch.equal(layer.state.knots[2], kept)
    assert torch.equal(layer.coef[2], coef[2])
    assert not torch.isclose(layer.state.knots[[0, 1, 3]], kept).all(1).any()


def test_samples_far_from_zero():
    layer, _ = random_layer("linear", BSpline(4, 3, (1000, 1001)), torch.float32)
    x = uniform((200, 4), 1000, 1001)
    update_grid(layer, x)
    before = outputs(layer, x)
    refine_grid(layer, 8)
    assert change(outputs(layer, x), before) < 1e-5
    assert layer.fraction_outside(x) == 0


@pytest.mark.parametrize("kind", ["conv1d", "shared2d"])
def test_zeros_that_pad_are_samples(kind):
    layer, shape = random_layer(kind, BSpline(1))
    x = uniform(shape, 0.5, 0.9)
    before = layer(x)
    update_grid(layer, x)
    assert change(layer(x), before) < 1e-10
    assert_within(layer.state.knots[:, 3], torch.zeros(4, dtype=F64), 0)


@pytest.mark.parametrize("degree", [0, 1, 3])
@pytest.mark.parametrize("dtype", [F64, torch.float32, torch.bfloat16])
def test_many_updates_stay_finite(degree, dtype):
    layer, _ = random_layer("linear", BSpline(6, degree), dtype)
    for i in range(40):
        x = (0.1 + i % 5) * torch.randn([1, 2, 3, 100][i % 4], 4, dtype=dtype) + i % 3
        update_grid(layer, x.round(decimals=1) if i % 2 else x)
        assert layer.state.knots.isfinite().all()
        assert layer.coef.isfinite().all()
        assert (layer.state.knots.diff() >= 0).all()


@given(
    rows=st.lists(st.lists(st.floats(-1e6, 1e6, width=32), min_size=3, max_size=3), min_size=1, max_size=12),
    degree=st.integers(0, 5),
    eps=st.sampled_from([0.0, 0.02, 1.0]),
)
@settings(max_examples=60, deadline=None)
def test_any_samples_give_a_grid(rows, degree, eps):
    layer = KANLinear(3, 2, BSpline(4, degree, outside="clamp"), dtype=F64)
    most = 1e3 * layer.coef.abs().max()
    update_grid(layer, torch.tensor(rows, dtype=F64), eps)
    assert (layer.state.knots.diff() > 0).all()
    assert layer.coef.isfinite().all()
    x = uniform((50, 3), -2, 2)
    assert (layer(x).abs() < most * x.abs().sum(1, keepdim=True) + most).all()


def test_a_refused_update_changes_nothing():
    layer = KANLinear(1, 3, dtype=torch.float16)
    before = copy.deepcopy(layer)
    with pytest.raises(EdgewiseError):
        update_grid(layer, torch.tensor([[0.0], [1e6]]))
    assert layer.edge == before.edge
    assert torch.equal(layer.coef, before.coef)
