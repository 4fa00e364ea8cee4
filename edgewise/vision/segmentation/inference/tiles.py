"""A network of small pictures on a large one: windows that slide over it, and the mean of what is made of them."""

from collections.abc import Callable, Sequence
from functools import reduce

import torch
from torch import Tensor

from edgewise._ground.optional import require

OVERLAP = 0.25
"""Which part of a window lies over the next one."""


def slide(network: Callable[[Tensor], Tensor], batch: Tensor, size: Sequence[int]) -> Tensor:
    """What a network makes of windows of a picture, averaged with :func:`weights` where they overlap.

    MONAI's ``sliding_window_inference``; no more than one window is in the network at a time.

    Args:
        network: Maps (1, C, *size) to (1, classes, *size).
        batch: A picture (1, C, H, W), no smaller than a window; or a volume (1, C, D, H, W), padded by zeros where it is.
        size: Height and width of a window, of a volume's with the depth before them.

    Returns:
        (1, classes, H, W), or (1, classes, D, H, W).
    """
    monai = require("monai.inferers", extra="training")
    return monai.sliding_window_inference(
        batch, size, 1, network, overlap=OVERLAP, mode="gaussian", roi_weight_map=weights(size).to(batch)
    )


def weights(size: Sequence[int]) -> Tensor:
    r"""A Gaussian about the middle of a window, with an eighth of each side :math:`n` as its deviation.

    .. math:: w(i, j) = \exp(-32 ((i - c) / n)^2) \exp(-32 ((j - d) / m)^2)

    MONAI's own weights are no less than 0.001. Along the edge of a picture all of them are less, so the spoilt edge of one
    window counts there as much as the middle of the next.

    Example:
        >>> weights((1, 4))
        tensor([[0.0111, 0.6065, 0.6065, 0.0111]])
    """
    sides = [torch.exp(-32 * ((torch.arange(side) - (side - 1) / 2) / side) ** 2) for side in size]
    return reduce(lambda grid, side: grid[..., None] * side, sides)
