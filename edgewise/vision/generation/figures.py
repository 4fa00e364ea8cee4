"""The pictures of a generator's report: samples beside real ones, and beside the training pictures nearest to them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgewise._ground.figures import constrained, figure_of, show, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 8
ROWS = 3


def beside(parts: Sequence[tuple[str, np.ndarray]]) -> "Figure":
    """Rows of pictures of several kinds, one kind below the other.

    Args:
        parts: A caption and pictures uint8 ``(N, H, W, C)`` each; up to 24 are shown.
    """
    rows = [(caption if start == 0 else "", pictures[start : start + COLUMNS]) for caption, pictures in parts
            for start in range(0, min(len(pictures), ROWS * COLUMNS), COLUMNS)]  # fmt: skip
    with style():
        figure = figure_of((1.1 * COLUMNS, 1.15 * len(rows) + 0.3 * len(parts)), constrained(w_pad=0.02, h_pad=0.02))
        grid = figure.subplots(len(rows), COLUMNS, squeeze=False)
        for line, (caption, pictures) in zip(grid, rows, strict=True):
            line[0].set_title(caption, fontsize=10)
            _fill(line, pictures)
    return figure


def neighbours(samples: np.ndarray, nearest: np.ndarray, distances: np.ndarray) -> "Figure":
    """The samples that are nearest to training pictures, with these below them.

    Args:
        samples: uint8 ``(N, H, W, C)``.
        nearest: The training picture nearest to each, likewise.
        distances: In grey levels, ``(N,)``.
    """
    order = distances.argsort(kind="stable")[:COLUMNS]
    with style():
        figure = figure_of((1.1 * COLUMNS, 2.9), constrained(w_pad=0.02, h_pad=0.02))
        grid = figure.subplots(2, COLUMNS, squeeze=False)
        for line, pictures, caption in zip(grid, (samples, nearest), ("samples", "nearest training pictures"), strict=True):
            line[0].set_title(caption, fontsize=10)
            _fill(line, pictures[order])
        for axes, place in zip(grid[1], order, strict=False):
            axes.set_xlabel(f"{distances[place]:.1f}", fontsize=8, labelpad=2)
    return figure


def _fill(line: Sequence, pictures: np.ndarray) -> None:
    for axes, picture in zip(line, pictures, strict=False):
        show(axes, picture.transpose(2, 0, 1) / 255)
    for axes in line[len(pictures) :]:
        axes.set_axis_off()
