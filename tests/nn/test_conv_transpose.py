"""The transposed KAN convolution against its definition, written out as a sum over inputs and taps."""

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgewise import EdgewiseError
from edgewise.bases import BSpline, Chebyshev, Gram, Squashed
from edgewise.nn import KANConvTranspose1d, KANConvTranspose2d, KANConvTranspose3d, refine_grid, update_grid
from edgewise.ops import backends_for, use_backend
from edgewise.testing import assert_within, gradients

DENSE = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
LAYERS = {1: KANConvTranspose1d, 2: KANConvTranspose2d, 3: KANConvTranspose3d}
GEOMETRIES = [
    {},
    {"stride": 2},
    {"stride": 2, "padding": 1, "output_padding": 1},
    {"stride": 3, "padding": 2, "dilation": 2, "output_padding": 2},
    {"stride": 2, "groups": 2, "padding": 1},
    {"groups": 4, "dilation": 2, "output_padding": 1},
]


class Definition(nn.Module):
    """y_o(s u + d - p) = sum of phi_ocd(x_c(u)) over all c, u, d: one scalar function, place and tap at a time."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        layer, w = self.layer, self.layer.window
        y = {}
        values = layer.edge.basis.evaluate(x.movedim(1, -1), layer.state.tensors()).movedim(-2, 1)  # (N, C, *space, K)
        per, outs = layer.in_channels // w.groups, layer.out_channels // w.groups
        size = layer.output_size(tuple(x.shape[2:]))
        places = list(product(*map(range, size)))
        for o, i, tap in product(range(layer.out_channels), range(per), w.taps()):
            channel = o // outs * per + i
            for u in product(*map(range, x.shape[2:])):
                place = tuple(
                    n * s + t * d - p for n, s, t, d, p in zip(u, w.stride, tap, w.dilation, layer.padding, strict=True)
                )
                if all(0 <= at < n for at, n in zip(place, size, strict=True)):
                    own = (slice(None), channel, *u)
                    phi = values[own] @ layer.coef[(i, slice(None), *tap, o)] * layer.scale[(o, i, *tap)]
                    phi = phi + layer.base_weight[(o, i, *tap)] * F.silu(x[own])
                    y[o, *place] = y.get((o, *place), 0) + phi
        rows = [[y.get((o, *at), x.new_zeros(len(x))) for at in places] for o in range(layer.out_channels)]
        y = torch.stack([torch.stack(row, -1) for row in rows], 1).unflatten(-1, size)
        return y + layer.bias.view(-1, *[1] * layer.space)


def randomised(layer: nn.Module, seed: int = 0) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.randn(p.shape, generator=generator, dtype=p.dtype))
    return layer


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("space", [1, 2])
def test_values_and_all_gradients_are_those_of_the_definition(space, geometry):
    kernel = (3, 2)[:space]
    layer = randomised(
        LAYERS[space](4, 4, kernel, basis=BSpline(3, 2), bias=True, scale=True, dtype=torch.float64, **geometry)
    )
    x = torch.randn(2, 4, *(3, 2)[:space], generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = {name.replace("layer.", ""): value for name, value in gradients(Definition(layer), x).items()}
    for backend in backends_for("cpu"):
        with use_backend(backend):
            for name, found in gradients(layer, x).items():
                assert_within(found, expected[name], 1e-10)


def test_values_are_those_of_the_definition_in_three_dimensions():
    options = {"stride": (2, 1, 2), "padding": (0, 1, 1), "output_padding": (1, 0, 0), "groups": 2}
    layer = KANConvTranspose3d(
        2, 4, (2, 3, 2), basis=Squashed(Gram(2)), bias=True, scale=True, dtype=torch.float64, **options
    )
    x = torch.randn(2, 2, 2, 3, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert_within(randomised(layer)(x).detach(), Definition(layer)(x).detach(), 1e-12)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("space", [1, 2, 3])
def test_with_the_identity_it_is_the_transposed_convolution_of_torch(space, geometry):
    kernel = (3, 2, 2)[:space]
    layer = LAYERS[space](4, 8, kernel, base="identity", bias=True, dtype=torch.float64, **geometry)
    dense = DENSE[space](4, 8, kernel, dtype=torch.float64, **geometry)
    per, outs = 4 // layer.window.groups, 8 // layer.window.groups
    with torch.no_grad():
        layer.coef.zero_()
        layer.bias.copy_(dense.bias)
        for c, o in product(range(4), range(8)):
            if c // per == o // outs:
                layer.base_weight[o, c % per] = dense.weight[c, o % outs]
    x = torch.randn(2, 4, *[4] * space, dtype=torch.float64)
    assert layer.output_size(tuple(x.shape[2:])) == tuple(dense(x).shape[2:])
    assert_within(layer(x).detach(), dense(x).detach(), 1e-12)


def test_the_derivative_of_the_sum_is_that_of_the_functions():
    """Where windows do not overlap, each output is one function of one input."""
    layer = KANConvTranspose1d(1, 1, 2, stride=2, basis=Chebyshev(3), base=None, dtype=torch.float64)
    x = torch.linspace(-0.9, 0.9, 7, dtype=torch.float64).view(1, 1, -1)
    t = Chebyshev(3).evaluate(x.view(-1, 1)).squeeze(1)  # (7, 4)
    expected = torch.stack([t @ layer.coef[0, :, tap, 0] for tap in (0, 1)], -1).flatten()
    assert_within(layer(x).flatten().detach(), expected.detach(), 1e-12)


def test_grids_move_and_grow_without_changing_the_function():
    layer = randomised(KANConvTranspose2d(2, 4, 3, stride=2, groups=2, basis=BSpline(4), dtype=torch.float64))
    x = 2 * torch.rand(2, 2, 5, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64) - 1
    before = layer(x).detach()
    refine_grid(layer, 8)
    assert_within(layer(x).detach(), before, 1e-10)
    update_grid(layer, x, eps=1.0)
    assert layer.state.knots.shape[0] == 2
    assert layer.fraction_outside(x) == 0


def test_the_size_of_the_output_can_be_asked_for():
    mine = KANConvTranspose2d(2, 3, 3, stride=3, padding=1)
    theirs = nn.ConvTranspose2d(2, 3, 3, stride=3, padding=1)
    x = torch.randn(2, 2, 4, 5)
    for size in ((10, 13), (11, 15), (2, 3, 12, 14)):
        assert mine(x, output_size=size).shape == theirs(x, output_size=size[-2:]).shape
    longer = KANConvTranspose2d(2, 3, 3, stride=3, padding=1, output_padding=(1, 2))
    longer.load_state_dict(mine.state_dict())
    assert torch.equal(mine(x, output_size=(11, 15)), longer(x))
    assert_within(mine(x[0], output_size=(11, 15)), longer(x)[0], 1e-6)
    for size in ((9, 13), (13, 13), (10,)):
        with pytest.raises(EdgewiseError, match=r"makes \(10, 13\) and less than a stride more"):
            mine(x, output_size=size)


def test_it_keeps_the_size_of_the_signal():
    torch.manual_seed(0)
    for options in ({"kernel_size": 2, "stride": 2}, {"kernel_size": 4, "stride": 2, "padding": 1}, {"kernel_size": 3}):
        y = KANConvTranspose2d(64, 64, **options)(torch.randn(4, 64, 16, 16))
        assert 0.8 < y.std() < 1.25


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: KANConvTranspose2d(4, 6, 3, groups=4), "must be positive multiples of groups, got 4, 6 and groups=4"),
        (lambda: KANConvTranspose2d(1, 1, 3, padding="same"), "padding of a transposed convolution must be a size"),
        (lambda: KANConvTranspose2d(1, 1, 3, padding=-1), "padding must be one or 2 whole numbers of at least 0, got -1"),
        (lambda: KANConvTranspose2d(1, 1, 3, output_padding=(0, 0, 0)), "output_padding must be one or 2 whole numbers"),
        (lambda: KANConvTranspose2d(1, 1, 3, stride=2, output_padding=2), r"must be less than the stride .* got \(2, 2\)"),
        (lambda: KANConvTranspose1d(1, 1, 1, padding=2)(torch.zeros(1, 1, 4)), r"nothing is left of an input of \(4,\)"),
        (lambda: KANConvTranspose2d(3, 1, 3)(torch.zeros(2, 4, 5, 5)), r"expected \(batch, 3 channels, 2 spatial"),
    ],
    ids=["groups", "same", "padding", "dimensions", "output_padding", "nothing", "channels"],
)
def test_impossible_sizes_are_refused(make, message):
    with pytest.raises(EdgewiseError, match=message):
        make()


def test_repr_tells_what_differs_from_the_defaults():
    text = repr(KANConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=(1, 0), groups=2))
    for part in ("4, 6, kernel_size=(3, 3), stride=(2, 2)", "groups=2", ", padding=(1, 1), output_padding=(1, 0)"):
        assert part in text
    assert "padding" not in repr(KANConvTranspose2d(4, 6, 3))
