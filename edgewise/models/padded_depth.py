"""Convolutions of volumes whose depth is padded by hand where PyTorch's own kernel is wrong."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PaddedDepthConv3d(nn.Conv3d):
    """``nn.Conv3d`` with a right gradient in bfloat16 on the CPU, with the same arguments, weights and values.

    oneDNN's bfloat16 kernel leaves taps of the weights' gradient unwritten where a padded volume is less deep than the
    window: what was in memory before is taken for a gradient. So there the zeros are put around the depth beforehand
    (where padding is given in numbers; ``"same"`` is left as it is).
    """

    def forward(self, input: Tensor) -> Tensor:
        """As of ``nn.Conv3d``: ``(N, in_channels, D, H, W) -> (N, out_channels, D', H', W')``."""
        if isinstance(self.padding, str) or self.padding_mode != "zeros" or not _is_bfloat16_on_the_cpu(input):
            return super().forward(input)
        depth, *sides = self.padding
        padded = F.pad(input, (0, 0, 0, 0, depth, depth))
        return F.conv3d(padded, self.weight, self.bias, self.stride, (0, *sides), self.dilation, self.groups)


def pad_depth_by_hand(model: nn.Module) -> nn.Module:
    """Make the convolutions of volumes in a network that others wrote such ones, in place."""
    for module in model.modules():
        if type(module) is nn.Conv3d:
            module.__class__ = PaddedDepthConv3d  # which has the same attributes
    return model


def _is_bfloat16_on_the_cpu(x: Tensor) -> bool:
    if x.device.type != "cpu":
        return False
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
    return dtype == torch.bfloat16
