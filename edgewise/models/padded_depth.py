"""Convolutions of volumes whose depth is padded by hand where PyTorch's own kernel is wrong."""

from typing import Self

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

    @classmethod
    def of(cls, conv: nn.Conv3d) -> Self:
        """A convolution by other means, with the parameters of ``conv`` themselves."""
        with torch.device("meta"):
            own = cls(
                conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, conv.dilation,
                conv.groups, conv.bias is not None,
            )  # fmt: skip
        own.weight, own.bias = conv.weight, conv.bias
        return own


def pad_depth_by_hand(model: nn.Module) -> nn.Module:
    """Replace the convolutions of volumes in a network that others wrote, in place; its parameters stay what they are."""
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.Conv3d:
                setattr(parent, name, PaddedDepthConv3d.of(child))
    return model


def _is_bfloat16_on_the_cpu(x: Tensor) -> bool:
    if x.device.type != "cpu":
        return False
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
    return dtype == torch.bfloat16
