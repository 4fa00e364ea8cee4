"""ResNet of KAN convolutions all the way."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.bases import BasisLike
from edgewise.models.blocks import check_positive, fully_connected, mean_pool
from edgewise.models.classifier import Classifier
from edgewise.models.kan_blocks import KANBlocks
from edgewise.models.registry import register_model
from edgewise.models.takes import Pictures
from edgewise.models.vgg_kan import KAGN


class Residual(nn.Module):
    """Two blocks beside a short cut: the identity, or a 1 x 1 block where channels or sides change.

    Args:
        make: Makes the blocks.
        into: Channels of the input.
        out: Channels of the output.
        stride: Step of the first block.
    """

    def __init__(self, make: KANBlocks, into: int, out: int, stride: int = 1):
        super().__init__()
        self.first, self.second = make(into, out, stride=stride), make(out, out)
        same = into == out and stride == 1
        self.short = nn.Identity() if same else make(into, out, kernel_size=1, stride=stride, padding=0)

    def forward(self, x: Tensor) -> Tensor:
        return self.short(x) + self.second(self.first(x))


@register_model("resnet_kan", takes=Pictures(basis="basis", widths=("widths",), free=("dropout",)))
def resnet_kan(
    num_classes: int = 10,
    in_channels: int = 3,
    widths: Sequence[int] = (64, 128, 256, 512),
    depths: Sequence[int] = (2, 2, 2, 2),
    stem: Literal["small", "large"] = "small",
    basis: BasisLike = KAGN,
    norm: str = "batch",
    dropout: float = 0.0,
    reduction: int = 1,
    head: Literal["kan", "linear"] = "kan",
) -> Classifier:
    """ResNet (He et al., arXiv:1512.03385) of KAN convolutions, also in short cuts, and a KAN layer; ResNet-18 by default.

    A KAN convolution brings its own non-linearity, so that none stands between blocks (Drokin, arXiv:2407.01092).

    Args:
        num_classes: Size of the logits.
        in_channels: Channels of the pictures.
        widths: Channels of each stage; each but the first halves the sides.
        depths: Pairs of convolutions of each stage.
        stem: ``"small"``, 3 x 3, for pictures of 32 x 32; ``"large"``, 7 x 7 with stride and max-pooling, for 224 x 224.
        basis: The functions; Gram polynomials of degree 3 by default.
        norm: After each convolution: ``"batch"``, ``"instance"`` or ``"none"``.
        dropout: Share of the channels dropped before each convolution but those of the stem.
        reduction: Above 1, bottlenecks: functions work on so many times fewer channels.
        head: ``"kan"`` or ``"linear"``.

    Shape:
        ``(N, in_channels, H, W) -> (N, num_classes)``

    Raises:
        ConfigError: Impossible numbers, ``widths`` and ``depths`` of other lengths, or too small pictures.

    Example:
        >>> len(resnet_kan(widths=(4, 8), depths=(1, 1)).stages)
        2
    """
    check_positive(in_channels=in_channels, widths=widths, depths=depths)
    if len(widths) != len(depths):
        raise ConfigError(f"widths and depths need a number for each stage, got {list(widths)} and {list(depths)}")
    if stem not in ("small", "large"):
        raise ConfigError(f"stem must be 'small' or 'large', got {stem!r}")
    make, first = KANBlocks(basis, norm, dropout, reduction), KANBlocks(basis, norm)
    if stem == "small":
        start = [first(in_channels, widths[0])]
    else:
        start = [first(in_channels, widths[0], 7, stride=2, padding=3), nn.MaxPool2d(3, 2, 1)]
    stages = []
    for place, ((into, width), depth) in enumerate(zip(pairwise((widths[0], *widths)), depths, strict=True)):
        blocks = [Residual(make, into, width, stride=2 if place else 1)]
        blocks += [Residual(make, width, width) for _ in range(depth - 1)]
        stages.append(nn.Sequential(*(() if place else start), *blocks))
    make_head = partial(fully_connected, into=widths[-1], kind=head, basis=basis)
    return Classifier(stages, mean_pool(), make_head, num_classes, in_channels)
