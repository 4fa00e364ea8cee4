"""A U-Net of KAN convolutions with Gram polynomials."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.bases import Gram, Squashed
from edgewise.models.blocks import check_positive
from edgewise.models.kan_blocks import KANBlocks
from edgewise.models.registry import register_model
from edgewise.models.takes import FixedBasis, Pictures
from edgewise.models.unet import extend_to
from edgewise.nn import KANConv2d, KANConvTranspose2d


@register_model(
    "gram_unet", takes=Pictures(dense=True, basis=FixedBasis(Gram, "degree"), widths=("widths",), free=("dropout",))
)
class GramUNet(nn.Module):
    """U-Net (Ronneberger et al., arXiv:1505.04597) whose convolutions, the transposed ones too, sum Gram polynomials.

    After the U-shaped networks of "Kolmogorov-Arnold Convolutions" (Drokin, arXiv:2407.01092), which interpolate on the way
    up; the recurrence of the polynomials is learned.

    Args:
        in_channels: Channels of the images.
        num_classes: Channels of the logits; 1 for foreground against background.
        widths: Channels of each level, from fine to coarse; each but the first halves the sides.
        degree: Of the polynomials.
        norm: After each convolution: ``"batch"``, ``"instance"`` or ``"none"``.
        dropout: Share of the channels dropped before each convolution but the first pair.
        reduction: Above 1, bottlenecks: functions work on so many times fewer channels.

    Shape:
        ``(N, in_channels, H, W) -> (N, num_classes, H, W)``, H and W at least ``2 ** (len(widths) - 1)``

    Raises:
        ConfigError: Impossible numbers, or too small images.

    Example:
        >>> GramUNet(1, widths=(4, 8))(torch.zeros(2, 1, 17, 32)).shape
        torch.Size([2, 1, 17, 32])
    """

    def __init__(
        self,
        in_channels: int = 3,
        num_classes: int = 1,
        widths: Sequence[int] = (32, 64, 128, 256),
        degree: int = 3,
        norm: str = "batch",
        dropout: float = 0.0,
        reduction: int = 1,
    ):
        super().__init__()
        check_positive(in_channels=in_channels, num_classes=num_classes, widths=widths)
        basis = Squashed(Gram(degree))
        self.in_channels, self.least_side = in_channels, 2 ** (len(widths) - 1)
        make, first = KANBlocks(basis, norm, dropout, reduction), KANBlocks(basis, norm)
        pairs = [nn.Sequential(make(n, m), make(m, m)) for n, m in pairwise(widths)]
        self.down = nn.ModuleList([nn.Sequential(first(in_channels, widths[0]), first(widths[0], widths[0])), *pairs])
        rising = list(pairwise(reversed(widths)))
        self.up = nn.ModuleList(KANConvTranspose2d(n, m, 2, stride=2, basis=basis) for n, m in rising)
        self.merge = nn.ModuleList(nn.Sequential(make(2 * m, m), make(m, m)) for _, m in rising)
        self.head = KANConv2d(widths[0], num_classes, 1, basis=basis)

    def forward(self, x: Tensor) -> Tensor:
        self._check(x)
        skips = [self.down[0](x)]
        for level in self.down[1:]:
            skips.append(level(F.max_pool2d(skips[-1], 2)))
        x = skips.pop()
        for up, merge, skip in zip(self.up, self.merge, reversed(skips), strict=True):
            x = merge(torch.cat([skip, extend_to(skip, up(x))], 1))
        return self.head(x)

    def _check(self, x: Tensor) -> None:
        if x.dim() != 4 or x.shape[1] != self.in_channels or any(side < self.least_side for side in x.shape[2:]):
            raise ConfigError(
                f"expected images (N, {self.in_channels}, H, W) with sides of at least {self.least_side}, "
                f"got shape {tuple(x.shape)}"
            )
