"""VGG of KAN convolutions all the way."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Literal

from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.bases import BasisLike, Gram, Squashed
from edgewise.models.blocks import check_positive, fully_connected, mean_pool
from edgewise.models.classifier import Classifier
from edgewise.models.kan_blocks import KANBlocks
from edgewise.models.registry import register_model
from edgewise.models.takes import Pictures

KAGN = Squashed(Gram(3))  # the basis of the networks of arXiv:2407.01092 that did best


@register_model("vgg_kan", takes=Pictures(basis="basis", widths=("widths",), free=("dropout",)))
def vgg_kan(
    num_classes: int = 10,
    in_channels: int = 3,
    widths: Sequence[int] = (64, 128, 256, 512, 512),
    depths: Sequence[int] = (1, 1, 2, 2, 2),
    basis: BasisLike = KAGN,
    norm: str = "batch",
    dropout: float = 0.0,
    reduction: int = 1,
    head: Literal["kan", "linear"] = "kan",
) -> Classifier:
    """VGG (Simonyan and Zisserman, arXiv:1409.1556) with KAN convolutions, a mean and one KAN layer; VGG-11 by default.

    After the VGG-like networks of "Kolmogorov-Arnold Convolutions" (Drokin, arXiv:2407.01092).

    Args:
        num_classes: Size of the logits.
        in_channels: Channels of the pictures.
        widths: Channels of each stage; a max-pooling ends it.
        depths: Convolutions of each stage.
        basis: The functions; Gram polynomials of degree 3 by default.
        norm: After each convolution: ``"batch"``, ``"instance"`` or ``"none"``.
        dropout: Share of the channels dropped before each convolution but the first.
        reduction: Above 1, bottlenecks: functions work on so many times fewer channels.
        head: ``"kan"`` or ``"linear"``.

    Shape:
        ``(N, in_channels, H, W) -> (N, num_classes)``, H and W at least ``2 ** len(widths)``

    Raises:
        ConfigError: Impossible numbers, ``widths`` and ``depths`` of other lengths, or too small pictures.

    Example:
        >>> sum(p.numel() for p in vgg_kan().parameters())
        46125254
    """
    check_positive(in_channels=in_channels, widths=widths, depths=depths)
    if len(widths) != len(depths):
        raise ConfigError(f"widths and depths need a number for each stage, got {list(widths)} and {list(depths)}")
    make, stages = KANBlocks(basis, norm, dropout, reduction), []
    first = KANBlocks(basis, norm)
    for (into, width), depth in zip(pairwise((in_channels, *widths)), depths, strict=True):
        blocks = [(make if stages else first)(into, width), *(make(width, width) for _ in range(depth - 1))]
        stages.append(nn.Sequential(*blocks, nn.MaxPool2d(2)))
    make_head = partial(fully_connected, into=widths[-1], kind=head, basis=basis)
    return Classifier(stages, mean_pool(), make_head, num_classes, in_channels, least_side=2 ** len(widths))
