"""The pictures of a segmentation's report: its score over epochs, and outlines of truth and prediction."""

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from edgewise._ground.figures import INK, PALETTE, SOFT, constrained, curves, figure_of, show, style
from edgewise.vision.data.coding import VOID

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRUTH, PREDICTION = "#19b8a6", "#f76b15"


def score_curves(histories: dict[str, list[dict]]) -> "Figure":
    """Validation IoU over epochs.

    Args:
        histories: Title of each run, and its lines of ``metrics.jsonl``.
    """
    return curves("Validation IoU", histories, {"val_iou": "solid"})


def distribution(title: str, values: dict[str, list[float]]) -> "Figure":
    """A score of every case: a point each, and a box from the first to the third quartile with the median in it.

    Args:
        title: Of the score.
        values: Of every case, by method.
    """
    draw = np.random.default_rng(0)
    with style():
        figure = figure_of(figsize=(4.8, 1.1 + 0.55 * len(values)), layout="constrained")
        axes = figure.subplots()
        places = range(len(values), 0, -1)
        lines = {"color": INK, "linewidth": 1.0}
        axes.boxplot(
            list(values.values()),
            positions=list(places),
            orientation="horizontal",
            widths=0.5,
            showfliers=False,
            **dict.fromkeys(("boxprops", "whiskerprops", "capprops", "medianprops"), lines),
        )
        for (_, points), place, colour in zip(values.items(), places, cycle(PALETTE), strict=False):
            axes.plot(points, place + draw.uniform(-0.2, 0.2, len(points)), ".", color=colour, alpha=0.5, markersize=5)
        axes.set(title=title, yticks=list(places), yticklabels=list(values))
        axes.grid(False, axis="y")
    return figure


def outlines(
    rows: Sequence[tuple[str, np.ndarray, np.ndarray]],
    columns: Sequence[str],
    predictions: Sequence[Sequence[tuple[np.ndarray, float]]],
) -> "Figure":
    """A grid of pictures: one row a case, the truth and then one column a method.

    Args:
        rows: Caption, picture (C, H, W) in [0, 1] and true classes (H, W) of each case, 255 being void.
        columns: Titles of the methods.
        predictions: For each case and method the classes (H, W) and their IoU.
    """
    count = len(columns) + 1
    tile = 2.1
    with style():
        figure = figure_of((tile * count, tile * len(rows) + 0.55), constrained(w_pad=0.03, h_pad=0.03))
        grid = figure.subplots(len(rows), count, squeeze=False)
        for line, (caption, image, truth), found in zip(grid, rows, predictions, strict=True):
            for axes in line:
                show(axes, image)
            _outline(line[0], truth, TRUTH)
            line[0].set_ylabel(caption, fontsize=9)
            for axes, (mask, iou) in zip(line[1:], found, strict=True):
                _outline(axes, truth, TRUTH)
                _outline(axes, mask, PREDICTION)
                axes.set_xlabel(f"IoU {iou:.3f}", fontsize=9, labelpad=2)
        for axes, title in zip(grid[0], ["truth", *columns], strict=True):
            axes.set_title(title, fontsize=10, loc="center")
        figure.supxlabel("outlines: truth in teal, prediction in orange", fontsize=9, color=SOFT)
    return figure


def _outline(axes: "Axes", labels: np.ndarray, colour: str) -> None:
    """The outline of each class but the background; what is void has none."""
    for label in set(np.unique(labels).tolist()) - {0, VOID}:
        inside = labels == label
        # matplotlib warns where there is nothing to outline.
        if not inside.all():
            axes.contour(inside, levels=[0.5], colors=[colour], linewidths=1.1)
