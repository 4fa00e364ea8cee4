"""The KAN layer against its definition, edge by edge, and against efficient-KAN."""

import math

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline as ScipySpline
from torch import nn

from edgewise import EdgewiseError
from edgewise.bases import BSpline, Chebyshev
from edgewise.nn import KANConv2d, KANLinear
from edgewise.testing import assert_within


def silu(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-x))


@pytest.mark.parametrize("degree", [1, 2, 3, 5])
def test_equals_a_loop_over_edges_with_splines_of_scipy(degree):
    layer = KANLinear(3, 2, BSpline(4, degree), bias=True, scale=True, dtype=torch.float64)
    with torch.no_grad():
        for p in layer.parameters():
            p.normal_()
    x = 2 * torch.rand(20, 3, dtype=torch.float64) - 1
    knots = np.arange(-degree, 4 + degree + 1) / 2 - 1
    w, s, c = (p.detach().numpy() for p in (layer.base_weight, layer.scale, layer.coef))
    expected = np.zeros((20, 2)) + layer.bias.detach().numpy()
    for q in range(2):
        for p in range(3):
            t = x[:, p].numpy()
            expected[:, q] += w[q, p] * silu(t) + s[q, p] * ScipySpline(knots, c[p, :, q], degree)(t)
    assert_within(layer(x).detach(), torch.from_numpy(expected), 1e-12)


def efficient_kan(state: dict[str, torch.Tensor], x: torch.Tensor, order: int) -> torch.Tensor:
    """What efficient-KAN computes: silu by one matrix, all B-splines of the Cox-de Boor recursion by another, scaled."""
    grid, t = state["grid"], x.unsqueeze(-1)
    bases = ((t >= grid[:, :-1]) & (t < grid[:, 1:])).to(x.dtype)
    for k in range(1, order + 1):
        rising = (t - grid[:, : -k - 1]) / (grid[:, k:-1] - grid[:, : -k - 1])
        falling = (grid[:, k + 1 :] - t) / (grid[:, k + 1 :] - grid[:, 1:-k])
        bases = rising * bases[..., :-1] + falling * bases[..., 1:]
    weight = state["spline_weight"] * state.get("spline_scaler", torch.ones(())).unsqueeze(-1)
    return nn.functional.silu(x) @ state["base_weight"].t() + bases.flatten(1) @ weight.flatten(1).t()


def efficient_state(
    grid_size: int = 5, order: int = 3, updated: bool = False, scaled: bool = True
) -> dict[str, torch.Tensor]:
    grid = (torch.arange(-order, grid_size + order + 1, dtype=torch.float64) * (2 / grid_size) - 1).repeat(4, 1)
    if updated:  # as its update_grid leaves it: quantiles inside, even steps beyond
        inside = torch.randn(50, 4, dtype=torch.float64).sort(0).values[torch.linspace(0, 49, grid_size + 1).long()].t()
        step = (inside[:, -1:] - inside[:, :1]) / grid_size
        margin = step * torch.arange(1, order + 1)
        grid = torch.cat([inside[:, :1] - margin.flip(-1), inside, inside[:, -1:] + margin], -1)
    state = {
        "grid": grid,
        "base_weight": torch.randn(6, 4, dtype=torch.float64),
        "spline_weight": torch.randn(6, 4, grid_size + order, dtype=torch.float64),
        "spline_scaler": torch.randn(6, 4, dtype=torch.float64),
    }
    return state if scaled else {name: t for name, t in state.items() if name != "spline_scaler"}


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("updated", [False, True])
@pytest.mark.parametrize(("grid_size", "order"), [(5, 3), (3, 2), (8, 1)])
def test_efficient_kan_computes_the_same(grid_size, order, updated, scaled):
    state = efficient_state(grid_size, order, updated, scaled)
    layer = KANLinear.from_efficient_kan(state)
    x = 1.5 * torch.randn(200, 4, dtype=torch.float64)
    assert_within(layer(x).detach(), efficient_kan(state, x, order), 1e-12)
    assert layer.edge.basis.knots == ("per-feature" if updated else "uniform")
    assert (layer.scale is not None) == scaled


def test_imported_in_float32():
    state = {name: t.float() for name, t in efficient_state(updated=True).items()}
    x = torch.randn(200, 4)
    assert_within(KANLinear.from_efficient_kan(state)(x).detach(), efficient_kan(state, x, 3), 1e-5)


@pytest.mark.parametrize("base", ["relu", "identity"])
def test_an_import_takes_the_base_activation_it_is_told(base):
    state = efficient_state()
    state["spline_weight"].zero_()
    x = torch.randn(20, 4, dtype=torch.float64)
    expected = (x.relu() if base == "relu" else x) @ state["base_weight"].t()
    assert_within(KANLinear.from_efficient_kan(state, base)(x).detach(), expected, 1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: s.update({f"layers.0.{name}": s.pop(name) for name in list(s)}),
            "a whole network: hand them to edgewise.models.from_efficient_kan",
        ),
        (lambda s: s.pop("grid"), "not the state dict of an efficient-KAN KANLinear: it lacks grid"),
        (lambda s: s.update(grid=s["grid"][:3]), r"spline_weight \(6, 4, 8\) and grid \(3, 12\) do not belong together"),
        (lambda s: s.update(grid=s["grid"][:, :5]), "do not belong together"),
        (lambda s: s.update(spline_weight=s["spline_weight"][0]), "do not belong together"),
    ],
)
def test_foreign_state_dicts_are_refused(change, message):
    state = efficient_state()
    change(state)
    with pytest.raises(EdgewiseError, match=message):
        KANLinear.from_efficient_kan(state)


@pytest.mark.parametrize("shape", [(4,), (0, 4), (2, 4), (2, 3, 4), (2, 1, 0, 4)])
def test_any_leading_dimensions(shape):
    layer = KANLinear(4, 3, bias=True)
    x = torch.randn(shape)
    expected = torch.stack([layer(row) for row in x.reshape(-1, 4)]) if x.numel() else torch.empty(0, 3)
    assert_within(layer(x), expected.reshape(*shape[:-1], 3), 1e-6)


def test_a_convolution_of_one_tap_is_the_layer_at_each_pixel():
    linear, conv = KANLinear(5, 3, scale=True, dtype=torch.float64), KANConv2d(5, 3, 1, scale=True, dtype=torch.float64)
    with torch.no_grad():
        for name, p in linear.named_parameters():
            getattr(conv, name).copy_(p.view_as(getattr(conv, name)))
    x = torch.randn(2, 5, 4, 3, dtype=torch.float64)
    assert_within(conv(x), linear(x.movedim(1, -1)).movedim(-1, 1), 1e-12)


def test_fraction_outside_counts_inputs_beyond_the_domain():
    layer = KANLinear(2, 1)
    assert layer.fraction_outside(torch.tensor([[0.0, 0.5], [-1.5, 1.0], [2.0, math.nan], [1.0, -1.0]])) == 3 / 8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: KANLinear(0, 3), "in_features and out_features must be at least 1, got 0 and 3"),
        (lambda: KANLinear(3, -1), "in_features and out_features must be at least 1, got 3 and -1"),
        (lambda: KANLinear(3, 2, base="sillu"), "unknown base function 'sillu'; did you mean 'silu'"),
        (lambda: KANLinear(3, 2)(torch.zeros(2, 4)), r"expected 3 features in the last dimension, got shape \(2, 4\)"),
        (lambda: KANLinear(3, 2)(torch.zeros(())), r"expected 3 features in the last dimension, got shape \(\)"),
    ],
)
def test_impossible_sizes_are_refused(make, message):
    with pytest.raises(EdgewiseError, match=message):
        make()


def test_repr_tells_what_it_is():
    text = repr(KANLinear(4, 3, Chebyshev(2), scale=True, grad_free=True, bias=True))
    expected = (
        "4, 3, basis=Chebyshev(degree=2, domain=(-1.0, 1.0), outside='clamp'), base='silu', "
        "grad_free=True, bias=True, scale=True"
    )
    assert expected in text
