"""The blocks that convolutional KANs are made of."""

from dataclasses import dataclass
from functools import partial

from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import unknown
from edgewise.bases import BasisLike
from edgewise.nn import BottleneckKANConv2d, ConvBlock, KANConv2d

NORMS = {"batch": nn.BatchNorm2d, "instance": partial(nn.InstanceNorm2d, affine=True), "none": None}


@dataclass(frozen=True)
class KANBlocks:
    """Makes blocks of dropout, KAN convolution and norm, all in one manner.

    Args:
        basis: The functions.
        norm: ``"batch"``, ``"instance"`` or ``"none"``.
        dropout: Share of the input channels that is dropped.
        reduction: Above 1, a bottleneck: its functions work on so many times fewer channels than the input has.

    Raises:
        ConfigError: An unknown norm, a dropout that is no share, a reduction below 1.
    """

    basis: BasisLike
    norm: str = "batch"
    dropout: float = 0.0
    reduction: int = 1

    def __post_init__(self):
        if self.norm not in NORMS:
            raise unknown("norm", self.norm, NORMS)
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout must be at least 0 and less than 1, got {self.dropout}")
        if self.reduction < 1:
            raise ConfigError(f"reduction must be at least 1, got {self.reduction}")

    def __call__(self, into: int, out: int, kernel_size: int = 3, stride: int = 1, padding: int | str = 1) -> ConvBlock:
        """A block from ``into`` to ``out`` channels."""
        options = {"stride": stride, "padding": padding, "basis": self.basis}
        if self.reduction > 1:
            conv = BottleneckKANConv2d(into, out, kernel_size, inner_channels=-(-into // self.reduction), **options)
        else:
            conv = KANConv2d(into, out, kernel_size, **options)
        make_norm = NORMS[self.norm]
        return ConvBlock(
            conv,
            norm=make_norm(out) if make_norm else None,
            dropout=nn.Dropout2d(self.dropout) if self.dropout else None,
        )
