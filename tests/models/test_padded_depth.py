"""Convolutions of volumes less deep than their window, in bfloat16 on the CPU."""

import pytest
import torch
from torch import nn

from edgewise.models import create_model
from edgewise.models.padded_depth import PaddedDepthConv3d, pad_depth_by_hand


def _gradient(conv: nn.Conv3d, x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    conv.zero_grad()
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        conv(x).float().square().sum().backward()
    assert conv.weight.grad is not None
    return conv.weight.grad.clone()


@pytest.mark.parametrize("groups", [1, 8])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_gradient_of_weights_is_near_the_exact_one(depth: int, groups: int):
    torch.manual_seed(depth)
    conv = PaddedDepthConv3d(8, 8, 3, padding=1, groups=groups)
    x = torch.randn(2, 8, depth, 2, 2).contiguous(memory_format=torch.channels_last_3d)
    exact = _gradient(conv, x, torch.float32)
    for _ in range(20):  # what is left unwritten shows what was there before
        junk = [torch.full_like(conv.weight, 1e30, dtype=dtype) for dtype in (torch.float32, torch.bfloat16) * 8]
        del junk
        assert (_gradient(conv, x, torch.bfloat16) - exact).abs().max() < 0.03 * exact.abs().max()


def test_values_are_those_of_pytorch():
    own = PaddedDepthConv3d(2, 3, (3, 1, 5), stride=(2, 1, 1), padding=(1, 0, 2), dilation=(1, 1, 1))
    theirs = nn.Conv3d(2, 3, (3, 1, 5), stride=(2, 1, 1), padding=(1, 0, 2))
    theirs.load_state_dict(own.state_dict())
    x = torch.randn(2, 2, 5, 4, 6, dtype=torch.bfloat16)
    assert torch.allclose(own.bfloat16()(x), theirs.bfloat16()(x), atol=1e-2)
    assert torch.equal(own.float()(x.float()), theirs.float()(x.float()))


def test_a_network_keeps_its_parameters():
    net = nn.Sequential(nn.Conv3d(1, 2, 3, padding=1), nn.Sequential(nn.Conv3d(2, 1, 1, bias=False)))
    before = dict(net.named_parameters())
    assert dict(pad_depth_by_hand(net).named_parameters()).keys() == before.keys()
    assert all(p is before[name] for name, p in net.named_parameters())


@pytest.mark.parametrize("name", ["unet3d", "ukan3d", "all_ukan3d"])
def test_no_network_of_volumes_has_the_kernel_that_is_wrong(name: str):
    assert not [path for path, module in create_model(name).named_modules() if type(module) is nn.Conv3d]
