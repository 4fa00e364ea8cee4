"""Convolutions with something around them, against the same written out."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from edgewise import EdgewiseError
from edgewise.bases import Chebyshev, Gram, Squashed
from edgewise.nn import BottleneckKANConv1d, BottleneckKANConv2d, BottleneckKANConv3d, ConvBlock, KANConv2d
from edgewise.testing import assert_within

LAYERS = {1: BottleneckKANConv1d, 2: BottleneckKANConv2d, 3: BottleneckKANConv3d}
CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def test_a_block_is_dropout_then_convolution_then_norm_then_activation():
    conv, norm, act = KANConv2d(2, 3, 3), nn.InstanceNorm2d(3), nn.PReLU(3)
    block, x = ConvBlock(conv, norm, act, nn.Dropout2d(0.5)), torch.randn(64, 2, 5, 5)
    torch.manual_seed(0)
    found = block(x)
    torch.manual_seed(0)
    dropped = F.dropout2d(x, 0.5)
    assert 0 < (dropped == 0).float().mean() < 1
    assert torch.equal(found, act(norm(conv(dropped))))
    assert torch.equal(block.eval()(x), act(norm(conv(x))))


@pytest.mark.parametrize(
    "options", [{}, {"stride": 2, "padding": 1}, {"groups": 2, "padding": "same", "dilation": 2}], ids=str
)
@pytest.mark.parametrize("padding_mode", ["zeros", "silent"])
@pytest.mark.parametrize("space", [1, 2, 3])
def test_a_bottleneck_is_its_formula(space, padding_mode, options):
    torch.manual_seed(0)
    layer = LAYERS[space](8, 6, 3, basis=Squashed(Gram(2)), bias=True, padding_mode=padding_mode, **options).double()
    x, conv = torch.randn(2, 8, *[5] * space, dtype=torch.float64), CONVOLUTIONS[space]
    groups = options.get("groups", 1)
    squeezed = conv(x, layer.squeeze.weight, groups=groups)
    expected = conv(layer.conv(squeezed), layer.expand.weight, layer.expand.bias, groups=groups)
    expected = expected + conv(F.silu(x), layer.base.weight, **options)
    assert squeezed.shape[1] == 2
    assert layer.conv.base_weight is None
    assert_within(layer(x), expected, 1e-12)
    assert layer(x).std() > 0.1


def test_a_bottleneck_without_a_dense_branch_has_few_parameters():
    layer = BottleneckKANConv2d(64, 64, 3, basis=Chebyshev(3), inner_channels=8, base=None)
    assert sum(p.numel() for p in layer.parameters()) == 64 * 8 + 8 * 8 * 9 * 4 + 8 * 64
    assert layer(torch.randn(1, 64, 4, 4)).shape == (1, 64, 2, 2)


def test_a_bottleneck_keeps_the_size_of_the_signal():
    torch.manual_seed(0)
    assert 0.8 < BottleneckKANConv2d(64, 64, 3)(torch.randn(8, 64, 12, 12)).std() < 1.4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BottleneckKANConv2d(8, 6, 3, groups=4), "must be positive multiples of groups, got 8, 6, 4 and groups=4"),
        (lambda: BottleneckKANConv2d(8, 8, 3, inner_channels=0), "got 8, 8, 0 and groups=1"),
        (lambda: BottleneckKANConv2d(8, 8, 3)(torch.zeros(1, 4, 5, 5)), r"expected \(batch, 8 channels, 2 spatial"),
    ],
    ids=["groups", "inner", "channels"],
)
def test_impossible_sizes_are_refused(make, message):
    with pytest.raises(EdgewiseError, match=message):
        make()
