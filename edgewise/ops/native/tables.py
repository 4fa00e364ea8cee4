"""The geometry of a window as tables of indices, which is how the kernels know it: any number of dimensions alike."""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from edgewise.ops.window import Window


class Tables(NamedTuple):
    """Where the pixels of the padded image come from, and which row of outputs each meets through each tap."""

    source: Tensor | None
    """``(padded pixels,)``: the pixel of the image, -1 for a zero; None where there is no padding."""
    meets: Tensor | None
    """``(taps, padded pixels)``: the row, -1 for none; None where each pixel meets its own row."""
    rows: int
    """Rows of outputs of an image."""


@lru_cache(maxsize=512)
def tables_of(window: Window, size: tuple[int, ...]) -> Tables:
    """The tables of a window on images of a spatial size.

    Example:
        >>> tables_of(Window((2,), (1,), ((1, 0),), (1,)), (2,)).meets.tolist()  # a tap to the left, one in place
        [[0, 1, -1], [-1, 0, 1]]
    """
    with torch.device("cpu"):  # kernels read them there, whatever the default device is
        return _tables(window, size)


def _tables(window: Window, size: tuple[int, ...]) -> Tables:
    silent = window.padding_mode == "silent"
    places = torch.arange(torch.Size(size).numel(), dtype=torch.double).view(1, 1, *size) + 1  # a padded zero is none
    padded = window.pad(places)
    source = (padded.flatten() - 1).int()
    inside = torch.arange(padded.numel()).view(1, *padded.shape[2:], 1)
    rows = torch.arange(torch.Size(window.output_size(size)).numel(), dtype=torch.int32)
    meets = torch.full((len(window.taps()), padded.numel()), -1, dtype=torch.int32)
    for tap, row in zip(window.taps(), meets, strict=True):
        row[window.view(inside, tap).flatten()] = rows
    if silent:
        meets[:, source < 0] = -1
    return Tables(source, meets, len(rows))
