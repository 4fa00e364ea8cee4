"""How figures look, and what the figures of several reports have in common."""

import io
from contextlib import AbstractContextManager
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from edgewise._ground.optional import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import LayoutEngine

PALETTE = ("#2f6fd0", "#d9620f", "#158a72", "#8250c4", "#b8860b", "#c2417c")
ACCENT = PALETTE[0]
INK, SOFT, LINE, FAINT = "#1f2328", "#57606a", "#c9d1d9", "#d8dde3"
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
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "legend.frameon": False,
    "svg.fonttype": "path",
}


def curves(title: str, histories: dict[str, list[dict]], strokes: dict[str, object]) -> "Figure":
    """Logged values over epochs: a colour for each run, a stroke for each value.

    Args:
        title: Of the figure.
        histories: Title of each run, and its lines of ``metrics.jsonl``.
        strokes: Names of the values, and matplotlib's style of a line for each.
    """
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


def figure_of(
    figsize: tuple[float, float] | None = None, layout: "str | LayoutEngine | None" = None, extra: str = "training"
) -> "Figure":
    """A figure of its own, without pyplot: no window, no global state, nothing to close."""
    return require("matplotlib.figure", extra=extra).Figure(figsize=figsize, layout=layout)


def constrained(w_pad: float, h_pad: float) -> "LayoutEngine":
    """The layout of grids of pictures, close to each other: paddings in inches."""
    engine = require("matplotlib.layout_engine", extra="training").ConstrainedLayoutEngine
    return engine(w_pad=w_pad, h_pad=h_pad, wspace=0.02, hspace=0.02)


def style(extra: str = "training") -> AbstractContextManager[None]:
    """The look of all figures, within a ``with``."""
    return require("matplotlib", extra=extra).rc_context(STYLE)
