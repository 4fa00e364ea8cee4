"""Grids change, functions stay: against scipy's splines and a projection computed another way."""

import copy
import math

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline as ScipySpline

from edgewise import EdgewiseError
from edgewise.bases import BSpline, Chebyshev
from edgewise.nn import ActivationLinear, KANConv2d, KANLinear, grid, refine_grid, update_grid
from edgewise.testing import assert_within
from tests.nn.grids import F64, LAYERS, change, outputs, random_layer, uniform


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("knots", ["uniform", "per-feature"])
@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4, 5])
def test_nested_refinement_keeps_the_function(kind, knots, degree):
    layer, shape = random_layer(kind, BSpline(4, degree, (-1, 2), knots=knots))
    x = uniform(shape, -1, 2)
    for grid_size in (8, 24):
        before = layer(x)
        refine_grid(layer, grid_size)
        assert change(layer(x), before) < 1e-10
        assert layer.edge.basis == BSpline(grid_size, degree, (-1, 2), knots=knots)
        assert layer.coef.shape[layer.basis_dim] == grid_size + degree
        assert [tuple(b.shape) for b in layer.buffers()] == [(4, grid_size + 2 * degree + 1)] * (knots == "per-feature")


@pytest.mark.parametrize("outside", ["clamp", "linear"])
@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("knots", ["uniform", "per-feature"])
def test_nested_refinement_keeps_clamp_and_linear_everywhere(kind, knots, outside):
    layer, shape = random_layer(kind, BSpline(3, outside=outside, knots=knots))
    x = uniform(shape, -4, 4)
    before = layer(x)
    refine_grid(layer, 6)
    assert change(layer(x), before) < 1e-10


@pytest.mark.parametrize("kind", LAYERS)
def test_refining_moved_knots(kind):
    layer, shape = random_layer(kind, BSpline(5))
    x = torch.randn(shape, dtype=F64)
    update_grid(layer, x)
    before, knots = layer(x), layer.state.knots.clone()
    refine_grid(layer, 10)
    assert change(layer(x), before) < 1e-10
    assert torch.equal(layer.state.knots[:, 3:-3:2], knots[:, 3:-3])


@pytest.mark.parametrize("degree", [1, 3, 5])
def test_refined_and_moved_layers_are_the_splines_of_scipy(degree):
    layer, _ = random_layer("linear", BSpline(4, degree))
    x = uniform((100, 4), -0.9, 0.9)
    update_grid(layer, x, eps=0.3)
    splines = [ScipySpline(*(a.detach().numpy() for a in pair), degree) for pair in zip(layer.state.knots, layer.coef)]  # noqa: B905
    expected = np.stack([s(x[:, i].numpy()) for i, s in enumerate(splines)])  # (in, n, out)
    refine_grid(layer, 12)
    scale = layer.scale.detach().t().unsqueeze(1).numpy()
    assert_within(layer(x).detach(), torch.from_numpy((scale * expected).sum(0)), 1e-11)


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("knots", ["uniform", "per-feature"])
@pytest.mark.parametrize("grid_size", [6, 7, 12])
def test_other_grids_hold_the_projection(degree, knots, grid_size):
    layer = KANLinear(1, 2, BSpline(5, degree, knots=knots), dtype=F64)
    coef = layer.coef.detach()[0].numpy()
    refine_grid(layer, grid_size)
    nodes, weights = np.polynomial.legendre.leggauss(10)
    cells = np.linspace(-1, 1, 5 * grid_size + 1)  # contains both grids
    points = (cells[:-1, None] + np.diff(cells)[:, None] * (nodes + 1) / 2).ravel()
    root = np.sqrt(np.tile(weights, 5 * grid_size))[:, None]

    def design(size: int) -> np.ndarray:
        return (
            root * ScipySpline.design_matrix(points, np.arange(-degree, size + degree + 1) * 2 / size - 1, degree).toarray()
        )

    expected = np.linalg.lstsq(design(grid_size), design(5) @ coef, rcond=None)[0]
    assert_within(layer.coef.detach()[0], torch.from_numpy(expected), 1e-9)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("knots", ["uniform", "per-feature"])
def test_low_precision(kind, knots):
    for dtype, most in ((torch.float32, 1e-5), (torch.bfloat16, 1e-2), (torch.float16, 1e-2)):
        layer, shape = random_layer(kind, BSpline(4, knots=knots), dtype)
        x = uniform(shape)
        before = outputs(layer, x)
        refine_grid(layer, 12)
        after = outputs(layer, x)
        assert layer.coef.dtype == dtype
        if dtype == torch.float32:
            assert change(after, before) < most
        assert (after - before).square().mean().sqrt() < most * before.square().mean().sqrt()


def test_shared_functions_share_their_knots():
    layer, _ = random_layer("shared", BSpline())
    x = torch.randn(100, 4, dtype=F64)
    update_grid(layer, x)
    assert (layer.state.knots == layer.state.knots[0]).all()
    assert layer.state.knots[0, 3] == x.min()
    update_grid(layer, x[:50])
    with torch.no_grad():
        layer.state.knots[1] += 1
    with pytest.raises(EdgewiseError, match="SaKANLinear shares its functions, but not its knots"):
        refine_grid(layer, 10)


def test_zero_width_cells_are_legal():
    layer = KANLinear(2, 3, BSpline(4, 3, knots="per-feature"), dtype=F64)
    with torch.no_grad():
        layer.state.knots[0, 4:7] = layer.state.knots[0, 3]  # the first three cells of feature 0
        layer.coef.normal_()
    x = uniform((200, 2))
    before = layer(x)
    refine_grid(layer, 8)
    assert layer.coef.isfinite().all()
    assert change(layer(x), before) < 1e-10


@pytest.mark.parametrize("kind", LAYERS)
def test_features_by_parts_are_the_same(kind, monkeypatch):
    layer, shape = random_layer(kind, BSpline())
    x = torch.randn(shape, dtype=F64)
    whole = copy.deepcopy(layer)
    for one, numbers in ((whole, grid.WORKING_NUMBERS), (layer, 1)):
        monkeypatch.setattr(grid, "WORKING_NUMBERS", numbers)
        update_grid(one, x)
        refine_grid(one, 7)
    assert torch.equal(whole.state.knots, layer.state.knots)
    assert_within(layer.coef.detach(), whole.coef.detach(), 1e-12)


@pytest.mark.parametrize("kind", LAYERS)
def test_layers_go_on_learning(kind):
    layer, shape = random_layer(kind, BSpline(), torch.float32)
    x, optimizer = torch.randn(shape), torch.optim.Adam(layer.parameters())
    update_grid(layer, x)
    y = layer(x)
    y.square().mean().backward()
    optimizer.step()
    assert layer(x).square().mean() < y.square().mean()
    assert next(p for p in layer.parameters() if p is layer.coef).grad.abs().sum() > 0
    refine_grid(layer, 10)
    layer(x).sum().backward()
    assert layer.coef.grad.isfinite().all()
    loaded = LAYERS[kind][0](layer.edge.basis, torch.float32)
    loaded.load_state_dict(layer.state_dict())
    assert torch.equal(loaded(x), layer(x))


def test_refining_keeps_what_is_frozen_or_in_evaluation():
    layer = KANLinear(2, 2).eval()
    layer.coef.requires_grad_(False)
    refine_grid(layer, 10)
    assert not layer.coef.requires_grad
    assert not any(module.training for module in layer.modules())


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            lambda: refine_grid(KANLinear(2, 3), 0),
            "refining goes to more intervals than the 5 that the layer has, got grid_size=0",
        ),
        (lambda: refine_grid(KANConv2d(2, 3, 1), 4), "fewer could not hold its functions"),
        (
            lambda: refine_grid(KANLinear(2, 3, Chebyshev(3)), 5),
            "Chebyshev has no grid: use a layer whose basis is a BSpline",
        ),
        (lambda: update_grid(KANLinear(2, 3, Chebyshev(3)), torch.zeros(2, 2)), "Chebyshev has no grid"),
        (lambda: refine_grid(ActivationLinear(2, 3), 5), "the grid of ActivationLinear cannot change"),
        (lambda: update_grid(KANLinear(2, 3), torch.zeros(0, 2)), "feature 0 of x has no finite sample"),
        (lambda: update_grid(KANLinear(2, 3), torch.tensor([[1, math.nan]])), "feature 1 of x has no finite sample"),
        (
            lambda: update_grid(KANLinear(2, 3), torch.zeros(5, 3)),
            r"expected 2 features in dimension -1 of x, got .*\(5, 3\)",
        ),
        (lambda: update_grid(KANConv2d(2, 3, 1), torch.zeros(2, 2)), "expected 2 features in dimension -3 of x"),
        (lambda: update_grid(KANLinear(2, 3), torch.zeros(5, 2), eps=1.5), "eps must be from 0 to 1 .*got eps=1.5"),
        (lambda: update_grid(KANLinear(2, 3), torch.zeros(5, 2), margin=-1), "margin finite and at least 0.*margin=-1"),
        (
            lambda: update_grid(KANLinear(1, 3, dtype=torch.float16), torch.tensor([[0.0], [1e6]])),
            "samples of x are too large for knots in torch.float16",
        ),
    ],
)
def test_impossible_grids_are_refused(act, message):
    with pytest.raises(EdgewiseError, match=message):
        act()
