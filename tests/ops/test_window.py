"""The window of a convolution is that of torch."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from edgewise import EdgewiseError, use_backend
from edgewise.nn import KANConv1d, KANConv2d, KANConv3d, SaKANConv1d, SaKANConv2d, SaKANConv3d
from edgewise.ops import Window, backends_for
from edgewise.testing import assert_within

GEOMETRIES = [
    {},
    {"stride": 2},
    {"stride": 3, "padding": 2},
    {"dilation": 2, "padding": 1},
    {"padding": "same", "kernel_size": 2},
    {"padding": "same", "dilation": 2},
    {"padding": "valid", "stride": 2},
    {"groups": 2, "padding": 1},
    {"groups": 4, "padding": 1, "stride": 2},
    {"padding": 1, "padding_mode": "reflect"},
    {"padding": 2, "padding_mode": "replicate", "groups": 2},
    {"padding": 1, "padding_mode": "circular", "stride": 2},
    {"kernel_size": 1},
    {"kernel_size": 1, "stride": 2},
    {"kernel_size": 1, "stride": 3, "padding": 2, "groups": 2},
    {"kernel_size": 1, "stride": 2, "padding": 1, "padding_mode": "circular"},
]
PAIRS = {
    1: (nn.Conv1d, KANConv1d, SaKANConv1d),
    2: (nn.Conv2d, KANConv2d, SaKANConv2d),
    3: (nn.Conv3d, KANConv3d, SaKANConv3d),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # what torch thinks of its own
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("space", PAIRS)
def test_identity_base_and_zero_functions_make_the_convolution_of_torch(space, geometry):
    sizes = {"in_channels": 4, "out_channels": 8, "kernel_size": 3} | geometry
    dense, *layers = PAIRS[space]
    conv = dense(**sizes, dtype=torch.float64)
    x = torch.randn(2, 4, *[7, 6, 5][:space], dtype=torch.float64)
    for make in layers:
        layer = make(**sizes, base="identity", bias=True, dtype=torch.float64)
        with torch.no_grad():
            layer.coef.zero_()
            layer.base_weight.copy_(conv.weight)
            layer.bias.copy_(conv.bias)
        for backend in backends_for("cpu"):
            with use_backend(backend):
                assert_within(layer(x), conv(x), 1e-12)
        assert layer.window.output_size(tuple(x.shape[2:])) == conv(x).shape[2:]


UNFOLDED = [((3, 3), 1, 0, 1), ((2, 3), (2, 1), (1, 0), 1), ((3, 2), (1, 3), (2, 1), (2, 1)), ((1, 1), 2, 0, 1)]


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), UNFOLDED)
def test_views_are_those_of_unfold(kernel, stride, padding, dilation):
    def pair(value):
        return value if isinstance(value, tuple) else (value, value)

    window = Window(kernel, pair(stride), tuple((p, p) for p in pair(padding)), pair(dilation))
    x = torch.randn(2, 3, 8, 7)
    expected = F.unfold(x, kernel, dilation, padding, stride)  # (N, C x taps, places)
    z = window.arrange(x)
    found = torch.stack([window.view(z, tap) for tap in window.taps()], -1)  # (N, *out, C, taps)
    assert torch.equal(found.flatten(3).flatten(1, 2).transpose(1, 2), expected)
    assert found.shape[1:3] == window.output_size((8, 7))


def test_a_view_copies_nothing():
    window = Window((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1))
    z = window.arrange(torch.randn(1, 3, 6, 6))
    assert window.view(z, (1, 1)).untyped_storage().data_ptr() == z.untyped_storage().data_ptr()


def test_silent_padding_pads_the_functions():
    """A padded tap contributes nothing: with functions that are 1 at 0, only the taps inside count."""
    layers = {mode: KANConv1d(1, 1, 3, padding=1, base=None, padding_mode=mode) for mode in ("zeros", "silent")}
    x = torch.zeros(1, 1, 4)
    for layer in layers.values():
        nn.init.ones_(layer.coef)  # B-splines sum to one
    assert torch.allclose(layers["zeros"](x), torch.full((1, 1, 4), 3.0))
    assert torch.allclose(layers["silent"](x), torch.tensor([[[2.0, 3.0, 3.0, 2.0]]]))


@pytest.mark.parametrize("padding", [0, 1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("make", [KANConv1d, SaKANConv1d])
def test_a_silent_kernel_of_one_tap_that_steps_gives_every_nth_output(make, stride, padding):
    """Thinning (the silent padding shrinks with the input) changes neither values nor gradients."""
    sizes = {"kernel_size": 1, "padding": padding, "padding_mode": "silent", "dtype": torch.float64}
    whole, steps = make(2, 3, **sizes), make(2, 3, stride=stride, **sizes)
    steps.load_state_dict(whole.state_dict())
    x = torch.randn(2, 2, 8, dtype=torch.float64, requires_grad=True)
    for expected, found in zip(_with_gradients(whole, x, stride), _with_gradients(steps, x, 1), strict=True):
        assert_within(found, expected, 1e-12)


def _with_gradients(layer, x, every):
    y = layer(x)[..., ::every]
    wave = torch.linspace(0, 1, y[0].numel(), dtype=y.dtype).view_as(y[0])
    return y, *torch.autograd.grad((y * wave).sum(), [x, *layer.parameters()])


@pytest.mark.parametrize("channels", [2, 4, 7])
def test_gradients_of_few_channels_survive_a_step_over_channels_last(channels):
    """oneDNN's own such gradient writes out of bounds on AVX2 and the process dies, sooner or later."""
    layer = KANConv2d(channels, 6, 1, stride=2)
    for _ in range(20):
        layer(torch.randn(4, channels, 32, 32).to(memory_format=torch.channels_last)).sum().backward()
    assert layer.coef.grad is not None
    assert layer.coef.grad.isfinite().all()


def test_a_window_that_does_not_fit_is_refused():
    with pytest.raises(
        EdgewiseError, match=r"a window of 5 does not fit into 4 padded inputs .*enlarge the input or the padding"
    ):
        KANConv1d(1, 1, 3, dilation=2)(torch.zeros(1, 1, 4))
