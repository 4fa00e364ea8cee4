"""The small networks of "Convolutional Kolmogorov-Arnold Networks" (Bodner et al., arXiv:2406.13155)."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Literal

from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.bases import BasisLike, BSpline
from edgewise.models.blocks import check_positive, fully_connected, mean_pool
from edgewise.models.classifier import Classifier
from edgewise.models.kan_blocks import KANBlocks
from edgewise.models.registry import register_model
from edgewise.models.takes import Pictures


@register_model(
    "conv_kan", takes=Pictures(side="image_size", basis="basis", widths=("widths", "hidden"), free=("dropout",))
)
def conv_kan(
    num_classes: int = 10,
    in_channels: int = 1,
    image_size: int = 28,
    widths: Sequence[int] = (5, 10),
    kernel_size: int = 3,
    padding: int = 0,
    basis: BasisLike = BSpline(20),  # noqa: B008 (frozen)
    norm: str = "none",
    dropout: float = 0.0,
    pool: Literal["flatten", "mean"] = "flatten",
    head: Literal["kan", "linear"] = "kan",
    hidden: Sequence[int] = (),
) -> Classifier:
    """KAN convolutions, each followed by max-pooling, and a KAN layer: "KKAN" by default, of the paper's middle size.

    That one has 74.9 thousand parameters there, with a scale for each function; here functions have none, 71,880.

    Args:
        num_classes: Size of the logits.
        in_channels: Channels of the pictures.
        image_size: Side of the pictures.
        widths: Channels after each convolution.
        kernel_size: Taps of the convolutions.
        padding: Width of the border of zeros.
        basis: The functions.
        norm: After each convolution: ``"batch"``, ``"instance"`` or ``"none"`` as published.
        dropout: Share of the channels dropped before each convolution but the first.
        pool: ``"flatten"`` gives the head each pixel of the last map, ``"mean"`` the mean of each channel (then pictures of
            any size fit).
        head: ``"kan"``, or ``"linear"`` for dense layers ("KANC-MLP").
        hidden: Nodes of the head's hidden layers.

    Shape:
        ``(N, in_channels, image_size, image_size) -> (N, num_classes)``

    Raises:
        ConfigError: Sizes or settings that do not fit, or pictures of another size.

    Example:
        >>> sum(p.numel() for p in conv_kan().parameters())
        71880
    """
    check_positive(in_channels=in_channels, widths=widths, kernel_size=kernel_size)
    if pool not in ("flatten", "mean"):
        raise ConfigError(f"pool must be 'flatten' or 'mean', got {pool!r}")
    blocks, first = KANBlocks(basis, norm, dropout), KANBlocks(basis, norm)
    side, least, stages = image_size, 1, []
    for place, (n, m) in enumerate(pairwise((in_channels, *widths))):
        make = blocks if place else first
        stages.append(nn.Sequential(make(n, m, kernel_size, padding=padding), nn.MaxPool2d(2)))
        side = (side + 2 * padding - kernel_size + 1) // 2
    for _ in widths:
        least = max(1, 2 * least + kernel_size - 1 - 2 * padding)
    if image_size < least:
        raise ConfigError(f"image_size must be at least {least} for {len(widths)} convolutions, got {image_size}")
    features = widths[-1] * (side**2 if pool == "flatten" else 1)
    make_head = partial(fully_connected, into=features, hidden=tuple(hidden), kind=head, basis=basis)
    if pool == "mean":
        return Classifier(stages, mean_pool(), make_head, num_classes, in_channels, least)
    return Classifier(stages, nn.Flatten(), make_head, num_classes, in_channels, image_size=image_size)
