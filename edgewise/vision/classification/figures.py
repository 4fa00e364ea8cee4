"""The pictures of a classifier's report: confusion, calibration, curves, and what was named wrong."""

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from edgewise._ground.figures import FAINT, PALETTE, SOFT, curves, figure_of, show, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WRITTEN = 20
"""Largest number of classes whose confusion is written out in numbers."""


def accuracy_curves(histories: dict[str, list[dict]]) -> "Figure":
    """Validation accuracy over epochs.

    Args:
        histories: Title of each run, and its lines of ``metrics.jsonl``.
    """
    return curves("Validation accuracy", histories, {"val_accuracy": "solid"})


def confusion_figure(title: str, confusion: np.ndarray, classes: Sequence[str]) -> "Figure":
    """Pictures by true class (rows) and predicted one, each row's parts of 1 in colour.

    Args:
        title: Of the network.
        confusion: Counts ``(classes, classes)``.
        classes: Names.
    """
    parts = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    count = len(classes)
    with style():
        side = 5.2 if count <= WRITTEN else 6.4
        figure = figure_of(figsize=(side, side), layout="constrained")
        axes = figure.subplots()
        axes.imshow(parts, cmap="Blues", vmin=0, vmax=1)
        axes.grid(False)
        axes.set(title=f"{title}: truth by row, prediction by column")
        if count <= WRITTEN:
            axes.set_xticks(range(count), classes, rotation=60, ha="right", fontsize=8)
            axes.set_yticks(range(count), classes, fontsize=8)
            for (row, column), number in np.ndenumerate(confusion.astype(int)):
                if number:
                    colour = "white" if parts[row, column] > 0.5 else SOFT
                    axes.text(column, row, str(number), ha="center", va="center", fontsize=7, color=colour)
    return figure


def calibration_figure(bins: dict[str, np.ndarray]) -> "Figure":
    """How often a prediction of a probability is right; the diagonal is perfect.

    Args:
        bins: For each network (15, 3): pictures, sum of probabilities, pictures named right.
    """
    with style():
        figure = figure_of(figsize=(4.8, 3.2), layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
        for (name, table), colour in zip(bins.items(), cycle(PALETTE), strict=False):
            count, sure, right = table[table[:, 0] > 0].T
            axes.plot(sure / count, right / count, color=colour, marker="o", markersize=4, label=name)
        axes.set(title="Calibration", xlabel="probability of the prediction", ylabel="part that is right", xlim=(0, 1))
        axes.set_ylim(0, 1.02)
        if len(bins) > 1:
            axes.legend()
    return figure


def gallery(pictures: Sequence[np.ndarray], captions: Sequence[str], columns: int = 8) -> "Figure":
    """Pictures side by side, a caption below each; one that says so where there is none.

    Args:
        pictures: uint8 (H, W, C).
        captions: One each.
        columns: Pictures in a row.
    """
    rows = max(1, -(-len(pictures) // columns))
    with style():
        figure = figure_of(figsize=(1.35 * columns, 1.75 * rows), layout="constrained")
        places = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, picture, caption in zip(places, pictures, captions, strict=False):
            show(axes, picture.transpose(2, 0, 1) / 255)
            axes.set_xlabel(caption, fontsize=7, labelpad=2)
        for axes in places[len(pictures) :]:
            axes.set_axis_off()
        if not len(pictures):
            figure.text(0.5, 0.5, "nothing was named wrong", ha="center", va="center")
    return figure
