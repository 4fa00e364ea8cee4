"""The KAN convolution against its definition, tap by tap."""

from itertools import product

import pytest
import torch
import torch.nn.functional as F

from edgewise import EdgewiseError
from edgewise.bases import BSpline, Fourier, Monomials
from edgewise.nn import KANConv1d, KANConv2d, KANConv3d, SaKANConv2d
from edgewise.testing import assert_within


@pytest.mark.parametrize("layer", [KANConv2d(2, 3, 3), SaKANConv2d(2, 3, 3)], ids=["kan", "shared"])
def test_a_hook_meets_a_picture_without_a_batch_once(layer):
    x, met = torch.randn(2, 5, 5), []
    expected = layer(x)
    layer.register_forward_hook(lambda module, inputs, y: (met.append(y.shape), 2 * y)[1])
    assert torch.equal(layer(x), 2 * expected)
    assert met == [(3, 3, 3)]


def test_geometry_is_told_as_by_torch():
    layer = KANConv2d(4, 6, (3, 5), stride=2, padding=1, dilation=(1, 2), groups=2)
    assert (layer.kernel_size, layer.stride, layer.dilation, layer.groups) == ((3, 5), (2, 2), (1, 2), 2)


@pytest.mark.parametrize("groups", [1, 2])
def test_each_tap_of_each_channel_has_a_function_of_its_own(groups):
    basis = BSpline(3, 2)
    layer = KANConv1d(4, 4, 3, padding=1, groups=groups, basis=basis, bias=True, scale=True, dtype=torch.float64)
    with torch.no_grad():
        for p in layer.parameters():
            p.normal_()
    x, per = torch.randn(2, 4, 5, dtype=torch.float64), 4 // groups
    padded, expected = F.pad(x, (1, 1)), torch.zeros(2, 4, 5, dtype=torch.float64)
    for o in range(4):
        for c in range(per):
            for tap in range(3):
                t = padded[:, o // per * per + c, tap : tap + 5]
                values = basis.evaluate(t.reshape(-1, 1)).reshape(2, 5, -1) @ layer.coef[c, :, tap, o]
                expected[:, o] += (layer.base_weight[o, c, tap] * F.silu(t) + layer.scale[o, c, tap] * values).detach()
    assert_within(layer(x).detach(), expected + layer.bias.detach().view(1, -1, 1), 1e-12)


@pytest.mark.parametrize("make", [KANConv2d, SaKANConv2d])
def test_one_image_without_a_batch(make):
    layer, x = make(3, 4, 3, padding=1, bias=True), torch.randn(3, 5, 6)
    assert_within(layer(x), layer(x.unsqueeze(0))[0], 1e-6)


def per_tap(x, layer):
    """Convolutional-KANs' definition: y(u) = sum over taps d of phi_d(x(u + d)), on an input padded with zeros."""
    padded, (height, width) = F.pad(x, (1, 1, 1, 1)), x.shape[2:]
    y = x.new_zeros(len(x), layer.out_channels, height, width)
    for o, c, i, j in product(range(layer.out_channels), range(layer.in_channels), range(3), range(3)):
        seen = padded[:, c, i : i + height, j : j + width]
        values = layer.edge.basis.evaluate(seen.unsqueeze(-1)).squeeze(-2)
        y[:, o] += values @ layer.coef[c, :, i, j, o] + layer.base_weight[o, c, i, j] * F.silu(seen)
    return y


def conv_over_bases(x, layer):
    """torch-conv-kan's definition: each function of the whole image first, then a convolution of all these maps."""
    values = layer.edge.basis.evaluate(x.movedim(1, -1)).movedim((-2, -1), (1, 2)).flatten(1, 2)  # (N, C K, H, W)
    weight = layer.coef.movedim(-1, 0).flatten(1, 2)  # (O, C K, 3, 3)
    return F.conv2d(values, weight, padding=1) + F.conv2d(F.silu(x), layer.base_weight, padding=1)


@pytest.mark.parametrize("basis", [BSpline(3, 2), Fourier(2), Monomials(3)], ids=["bspline", "fourier", "monomials"])
def test_the_two_definitions_in_use_differ_at_the_border_only_and_both_are_here(basis):
    layer = KANConv2d(2, 3, 3, padding=1, basis=basis, dtype=torch.float64)
    silent = KANConv2d(2, 3, 3, padding=1, basis=basis, padding_mode="silent", dtype=torch.float64)
    silent.load_state_dict(layer.state_dict())
    x = torch.rand(2, 2, 6, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64) - 0.5
    with torch.no_grad():
        taps, bases = per_tap(x, layer), conv_over_bases(x, layer)
        assert_within(layer(x), taps, 1e-12)
        assert_within(silent(x), bases, 1e-12)
        assert_within(taps[..., 1:-1, 1:-1], bases[..., 1:-1, 1:-1], 1e-12)
        difference = (taps - bases).abs()
        assert difference[..., 0, :].max() > 1e-3  # phi(0) of the taps outside
        layer.coef[:, basis.evaluate(torch.zeros(1, dtype=torch.float64))[0] != 0] = 0
        assert_within(per_tap(x, layer), conv_over_bases(x, layer), 1e-12)  # where every phi(0) is 0, so is the difference


def test_channels_last_in_memory():
    layer, x = KANConv2d(3, 4, 3, dtype=torch.float64), torch.randn(2, 3, 6, 5, dtype=torch.float64)
    assert_within(layer(x.contiguous(memory_format=torch.channels_last)), layer(x), 1e-12)


def test_shifted_input_shifted_output():
    layer, x = KANConv2d(2, 3, 3, basis=Fourier(2), dtype=torch.float64), torch.randn(1, 2, 8, 8, dtype=torch.float64)
    assert_within(layer(x[..., 1:, 2:]), layer(x)[..., 1:, 2:], 1e-12)


def test_groups_are_separate_layers():
    both = KANConv3d(4, 6, 2, groups=2, dtype=torch.float64)
    x = torch.randn(1, 4, 3, 4, 3, dtype=torch.float64)
    parts = []
    for i, half in enumerate(x.chunk(2, 1)):
        alone = KANConv3d(2, 3, 2, dtype=torch.float64)
        own = slice(3 * i, 3 * i + 3)
        alone.load_state_dict({"coef": both.coef[..., own], "base_weight": both.base_weight[own]})
        parts.append(alone(half))
    assert_within(both(x), torch.cat(parts, 1), 1e-12)


def test_fraction_outside_reads_channels():
    layer = KANConv2d(2, 1, 1, basis=BSpline(knots="per-feature"))
    layer.state.knots[1] *= 10
    x = torch.full((1, 2, 4, 4), 5.0)
    assert layer.fraction_outside(x) == 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: KANConv2d(4, 6, 3, groups=4), "must be positive multiples of groups, got 4, 6 and groups=4"),
        (lambda: KANConv2d(0, 6, 3), "must be positive multiples of groups, got 0, 6 and groups=1"),
        (lambda: KANConv2d(1, 1, 0), "kernel_size must be one or 2 whole numbers of at least 1, got 0"),
        (lambda: KANConv2d(1, 1, (3, 3, 3)), "kernel_size must be one or 2 whole numbers"),
        (lambda: KANConv2d(1, 1, 3, stride=0), "stride must be one or 2 whole numbers of at least 1, got 0"),
        (lambda: KANConv2d(1, 1, 3, padding=-1), "padding must be one or 2 whole numbers of at least 0, got -1"),
        (lambda: KANConv2d(1, 1, 3, padding="full"), "padding must be a size, 'same' or 'valid', got 'full'"),
        (lambda: KANConv2d(1, 1, 3, padding="same", stride=2), r"padding='same' needs stride 1, got \(2, 2\)"),
        (lambda: KANConv2d(1, 1, 3, padding_mode="mirror"), "padding_mode must be one of zeros, silent, .* got 'mirror'"),
        (lambda: KANConv2d(3, 1, 3)(torch.zeros(2, 4, 5, 5)), r"expected \(batch, 3 channels, 2 spatial dimensions\)"),
        (lambda: KANConv2d(3, 1, 3)(torch.zeros(5, 5)), r"expected \(batch, 3 channels, 2 spatial dimensions\)"),
        (lambda: KANConv2d(3, 1, 3)(torch.zeros(1, 3, 2, 5)), "a window of 3 does not fit into 2 padded inputs"),
    ],
)
def test_impossible_sizes_are_refused(make, message):
    with pytest.raises(EdgewiseError, match=message):
        make()


def test_repr_tells_what_differs_from_the_defaults():
    text = repr(KANConv2d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2, padding_mode="silent"))
    for part in ("4, 6, kernel_size=(3, 3), stride=(2, 2)", "dilation=(2, 2)", "groups=2", "padding_mode='silent'"):
        assert part in text
    assert "dilation" not in repr(KANConv2d(4, 6, 3))
