"""The pictures of a report: curves of learning, and outlines of truth and prediction."""

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from edgewise._optional import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import LayoutEngine

PALETTE = ("#2f6fd0", "#d9620f", "#158a72", "#8250c4", "#b8860b", "#c2417c")
INK, FAINT = "#1f2328", "#d8dde3"
TRUTH, PREDICTION = "#19b8a6", "#f76b15"
STYLE = {
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#eceff2",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": "#57606a",
    "ytick.color": "#57606a",
    "legend.frameon": False,
    "svg.fonttype": "path",
}


def score_curves(histories: dict[str, list[dict]]) -> "Figure":
    """Validation IoU over epochs.

    Args:
        histories: Title of each run, and its lines of ``metrics.jsonl``.
    """
    return curves("Validation IoU", histories, {"val_iou": "solid"})


def loss_curves(histories: dict[str, list[dict]]) -> "Figure":
    """Training loss, and validation loss dotted, over epochs; arguments as in :func:`score_curves`."""
    return curves("Loss: training solid, validation dotted", histories, {"train_loss": "solid", "val_loss": (0, (2, 2))})


def curves(title: str, histories: dict[str, list[dict]], strokes: dict[str, object]) -> "Figure":
    """Logged values over epochs: a colour for each run, a stroke for each value."""
    with style():
        figure = figure_of(figsize=(4.8, 3.2), layout="constrained")
        axes = figure.subplots()
        for (name, lines), colour in zip(histories.items(), cycle(PALETTE), strict=False):
            epochs = [line["epoch"] + 1 for line in lines]
            for index, (key, stroke) in enumerate(strokes.items()):
                values, label = [line[key] for line in lines], name if index == 0 else None
                marker = "o" if len(lines) == 1 else None
                axes.plot(epochs, values, color=colour, linestyle=stroke, label=label, marker=marker)
        axes.set(title=title, xlabel="epoch")
        axes.locator_params(axis="x", integer=True)
        if len(histories) > 1:
            axes.legend()
    return figure


def outlines(
    rows: Sequence[tuple[str, np.ndarray, np.ndarray]],
    columns: Sequence[str],
    predictions: Sequence[Sequence[tuple[np.ndarray, float]]],
) -> "Figure":
    """A grid of pictures: one row a case, the truth and then one column a method.

    Args:
        rows: Caption, picture (C, H, W) in [0, 1] and true mask (H, W) of each case.
        columns: Titles of the methods.
        predictions: For each case and method the mask (H, W) and its IoU.
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
        figure.supxlabel("outlines: truth in teal, prediction in orange", fontsize=9, color="#57606a")
    return figure


def to_bytes(figure: "Figure", kind: str) -> bytes:
    """The figure as ``"png"``, sharp at the width of a page, or as ``"svg"``."""
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format=kind, dpi=130, facecolor="white", metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()


def show(axes: "Axes", image: np.ndarray) -> None:
    """A picture (C, H, W) in [0, 1] without ticks or frame."""
    axes.imshow(image.transpose(1, 2, 0) if len(image) == 3 else image[0], cmap="gray", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _outline(axes: "Axes", mask: np.ndarray, colour: str) -> None:
    # matplotlib warns where there is nothing to outline.
    if 0 < mask.mean() < 1:
        axes.contour(mask, levels=[0.5], colors=[colour], linewidths=1.1)


def figure_of(figsize: tuple[float, float], layout: "str | LayoutEngine | None" = None) -> "Figure":
    """A figure of its own, without pyplot: no window, no global state, nothing to close."""
    return require("matplotlib.figure", extra="training").Figure(figsize=figsize, layout=layout)


def constrained(w_pad: float, h_pad: float) -> "LayoutEngine":
    """The layout of grids of pictures, close to each other: paddings in inches."""
    engine = require("matplotlib.layout_engine", extra="training").ConstrainedLayoutEngine
    return engine(w_pad=w_pad, h_pad=h_pad, wspace=0.02, hspace=0.02)


def style() -> AbstractContextManager[None]:
    """The look of all figures, within a ``with``."""
    return require("matplotlib", extra="training").rc_context(STYLE)
