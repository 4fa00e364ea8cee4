"""Draws a placed network with a handful of vector collections, whatever the number of edges; the unit is an inch."""

import io
import re
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from edgewise._ground.errors import ConfigError
from edgewise._ground.figures import INK, LINE, SOFT, figure_of
from edgewise._ground.optional import require
from edgewise.kan.interpret._edges import EdgePictures
from edgewise.kan.interpret._layout import LayerLayout, Layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import Collection
    from matplotlib.figure import Figure

MARGIN = 0.12
SIZE, NOTE = 11.0, 8.5  # of names and of the note, in points
POINT = 1 / 72
VISIBLE = 0.01  # the least opacity that counts as seen
SQUARE = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
PLUS = np.array([[[-1, 0], [1, 0]], [[0, -1], [0, 1]]])
CROSS = np.array([[[-1, -1], [1, 1]], [[-1, 1], [1, -1]]]) / np.sqrt(2)


def new_figure(figsize: tuple[float, float] | None = None, layout: str | None = None) -> "Figure":
    """A white figure of its own without pyplot: no window, no global state, nothing to close."""
    figure: Any = figure_of(figsize, layout, extra="science")
    figure.set_facecolor("white")
    require("matplotlib.backends.backend_agg", extra="science").FigureCanvasAgg(figure)
    figure._repr_png_ = partial(_png, figure)  # what notebooks show, whether or not they have loaded pyplot
    return figure


def figure_with(ax: "Axes") -> "Figure":
    """The figure in which the axes are."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ConfigError("ax is in no figure: take axes that figure.subplots() makes")
    return figure


def _png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return buffer.getvalue()


def draw_edges(ax: "Axes", layout: Layout, pictures: Sequence[EdgePictures]) -> None:
    """The lines from node to box and from box to subnode, the boxes and the curves in them."""
    mpl = require("matplotlib.collections", extra="science")
    layers = layout.layers
    colours, curves, samples = (np.concatenate([getattr(p, k) for p in pictures]) for k in ("colours", "curves", "samples"))
    middles = np.concatenate([layer.boxes for layer in layers])[:, None]
    sizes = np.concatenate([np.broadcast_to(layer.size, layer.boxes.shape) for layer in layers])[:, None]
    thin = (sizes[:, 0, 0] / 0.5).clip(0.6, 1)  # strokes shrink with the boxes, but less
    lower = [_lines(layer, layer.inputs[layer.into], layer.floor, -1) for layer in layers]
    upper = [_lines(layer, layer.subnodes[layer.out], layer.ceiling, 1) for layer in layers]
    lines = np.concatenate(lower + upper)
    _add(ax, mpl.LineCollection(lines, colors=np.tile(colours, (2, 1)), linewidths=0.8 * np.tile(thin, 2)), 1)
    _add(ax, mpl.PolyCollection(middles + sizes * SQUARE, facecolors="w", edgecolors=colours, linewidths=0.7 * thin), 2)
    _add(ax, mpl.LineCollection(middles + sizes * curves, colors=colours, linewidths=1.3 * thin, capstyle="round"), 3)
    if samples.size:
        dots, count = (middles + sizes * samples).reshape(-1, 2), samples.shape[1]
        ax.scatter(*dots.T, s=np.repeat(5 * thin, count), c=np.repeat(colours, count, 0), linewidths=0, zorder=4)
    formulas = [formula for picture in pictures for formula in picture.formulas]
    white = {"facecolor": "w", "linewidth": 0, "pad": 0.6}
    for formula, (x, y), (wide, high), colour in zip(formulas, middles[:, 0], sizes[:, 0], colours, strict=True):
        if formula is not None:
            style = {"ha": "center", "va": "bottom", "fontsize": max(4.5, 16 * wide), "color": colour}
            ax.text(x, y + high / 2 + 0.03, math(formula), zorder=4, bbox=white, **style)


def _lines(layer: LayerLayout, nodes: np.ndarray, level: float, side: int) -> np.ndarray:
    """From each box, at its lower (-1) or upper (1) side, upright between other boxes and on to its node."""
    ends = layer.boxes + side * np.array([0, layer.size[1] / 2])
    return np.stack([ends, ends * [1, 0] + [0, level], nodes], 1)


def draw_nodes(ax: "Axes", layout: Layout, pictures: Sequence[EdgePictures]) -> None:
    """A dot for each input, a plus for each sum, a cross for each product; grey where no edge is seen to start or end."""
    radius, first = layout.radius, layout.layers[0]
    seen = [picture.colours[:, 3] >= VISIBLE for picture in pictures]
    into = [layer.into[some] for layer, some in zip(layout.layers, seen, strict=True)]
    _dots(ax, first.inputs, 0.5 * radius, _among(first.inputs, into[0]))
    for layer, some, following in zip(layout.layers, seen, [*into[1:], np.empty(0)], strict=True):
        used = _among(layer.subnodes, layer.out[some]) | _among(layer.nodes, following)[layer.owner]
        _symbols(ax, layer.subnodes, radius, PLUS, used)
        if layer.multiplies:
            _strokes(ax, np.stack([layer.subnodes, layer.nodes[layer.owner]], 1), used, 1)
            used, product = np.bincount(layer.owner, used) > 0, np.bincount(layer.owner) > 1
            _symbols(ax, layer.nodes[product], radius, CROSS, used[product])
            _dots(ax, layer.nodes[~product], 0.5 * radius, used[~product])


def _among(places: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    return np.isin(np.arange(len(places)), chosen)


def _symbols(ax: "Axes", places: np.ndarray, radius: float, strokes: np.ndarray, used: np.ndarray) -> None:
    _dots(ax, places, radius, used, facecolors="white", linewidths=0.9)
    lines = places[:, None, None] + 0.55 * radius * strokes
    _strokes(ax, lines.reshape(-1, 2, 2), used.repeat(2), 6)


def _dots(ax: "Axes", places: np.ndarray, radius: float, used: np.ndarray, **style) -> None:
    mpl = require("matplotlib.collections", extra="science")
    across, colours = np.full(len(places), 2 * radius), np.where(used, INK, LINE)
    style = {"facecolors": colours, "edgecolors": colours, "linewidths": 0, "units": "xy"} | style
    shape = (across, across, np.zeros(len(places)))
    _add(ax, mpl.EllipseCollection(*shape, offsets=places, offset_transform=ax.transData, **style), 5)


def _strokes(ax: "Axes", lines: np.ndarray, used: np.ndarray, zorder: int) -> None:
    mpl = require("matplotlib.collections", extra="science")
    _add(ax, mpl.LineCollection(lines, colors=np.where(used, INK, LINE), linewidths=0.9), zorder)


def math(name: str) -> str:
    """Powers as typeset by matplotlib; all else as it is.

    Example:
        >>> math("1/x^0.5"), math("sin")
        ('$1/x^{0.5}$', 'sin')
    """
    return "$" + re.sub(r"\^([0-9.]+)", r"^{\1}", name) + "$" if "^" in name else name


def _add(ax: "Axes", collection: "Collection", zorder: int) -> None:
    collection.set_zorder(zorder)
    ax.add_collection(collection, autolim=False)


def width_of(names: Sequence[str]) -> float:
    """How wide a row of names is, in inches, each with the room of the widest."""
    return len(names) * (max(_extent(name)[0] for name in names) + 0.15)


def write(ax: "Axes", layout: Layout, below: Sequence[str], above: Sequence[str], title: str | None, note: str) -> None:
    """Names at inputs and outputs, the title above and a note below; sets the limits of ``ax`` around them."""
    away = np.array([0, layout.radius + 0.05])
    bottom = -away[1] - _write_names(ax, below, layout.layers[0].inputs - away, "top", layout.width)
    top = layout.top + away[1]
    top += _write_names(ax, above, layout.layers[-1].nodes + away, "bottom", layout.width)
    style = {"ha": "center", "zorder": 7}
    if note:
        ax.text(layout.width / 2, bottom - 0.1, note, va="top", fontsize=NOTE, color=SOFT, **style)
        bottom -= 0.1 + 1.2 * NOTE * POINT
    if title:
        ax.text(layout.width / 2, top + 0.1, title, va="bottom", fontsize=SIZE, color=INK, **style)
        top += 0.1 + _extent(title)[1]
    ax.set(xlim=(-MARGIN, layout.width + MARGIN), ylim=(bottom - MARGIN, top + MARGIN), aspect="equal")
    ax.set_axis_off()


def _write_names(ax: "Axes", names: Sequence[str], places: np.ndarray, side: str, width: float) -> float:
    """Write names side by side, smaller or upright where they are too wide; how high they are."""
    wide, high = np.max([_extent(name) for name in names], 0)
    room = 0.95 * width / len(names)
    scale = min(1, max(room / wide, 2 / 3))
    upright = wide * scale > room
    style = {"ha": "center", "va": side, "fontsize": SIZE * scale, "color": INK, "rotation": 90 if upright else 0}
    for name, (x, y) in zip(names, places, strict=True):
        ax.text(x, y, name, zorder=7, math_fontfamily="cm", **style)
    return scale * (wide if upright else high)


@lru_cache(256)
def _extent(text: str) -> tuple[float, float]:
    """Width and height of a text of the size of names, in inches, and a little more."""
    font = require("matplotlib.font_manager", extra="science").FontProperties(size=SIZE)
    is_math = require("matplotlib.cbook", extra="science").is_math_text
    measure = require("matplotlib.textpath", extra="science").text_to_path.get_text_width_height_descent
    lines = [measure(line, font, ismath=is_math(line)) for line in text.split("\n") if line.strip()]
    wide = max((1.05 * width for width, _, _ in lines), default=0)
    return max(wide, 0.5 * SIZE) * POINT, (sum(max(height, SIZE) for _, height, _ in lines) + 0.25 * SIZE) * POINT
