"""Pictures of a network: the diagram with a curve on every edge, and one edge close up. One vector figure, no files."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise.kan.interpret._close_up import describe, draw_close_up
from edgewise.kan.interpret._diagram import draw_edges, draw_nodes, figure_with, new_figure, width_of, write
from edgewise.kan.interpret._edges import edge_pictures
from edgewise.kan.interpret._layout import arrange
from edgewise.kan.interpret.curves import check_edge, check_rows, edges_present
from edgewise.kan.interpret.scores import attribute
from edgewise.kan.network import Network

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NOTHING = 1e-9  # of a score: rounding


def plot(
    model: Network,
    x: Tensor | None = None,
    *,
    scores: Sequence[Tensor] | None = None,
    beta: float = 3.0,
    top: int | None = None,
    names: Sequence | None = None,
    out_names: Sequence | None = None,
    title: str | None = None,
    ax: "Axes | None" = None,
    samples: bool = False,
) -> "Figure":
    r"""The diagram of a network: a curve for each edge, over the range of its input on ``x``; inputs at the bottom.

    Numeric edges are black, symbolic ones red with their formula's name, edges that are both purple; edges that are cut
    are left out. An edge has the opacity :math:`\tanh(\beta\, score)` (Liu et al., arXiv:2404.19756, section 2.5.1); where
    all scores are zero, as on a single sample, all are opaque. Each curve has a scale of its own.

    Args:
        model: The network.
        x: Samples, ``(N, inputs)``; by default those of the last fit.
        scores: For each layer how much its edges matter, ``(subnodes, inputs)``; those of
            :func:`edgewise.kan.interpret.attribute` by default.
        beta: How fast edges become opaque with their score.
        top: Draw only so many edges of each layer, those with the highest scores.
        names: Strings or sympy expressions for the columns of ``x``; by default those that the network has.
        out_names: The same for the outputs.
        title: What to write above.
        ax: Axes to draw in, instead of a new figure.
        samples: Draw samples on the curves too.

    Returns:
        The figure, which no window or pyplot knows of: ``figure.savefig("kan.svg")``, or show it in a notebook.

    Raises:
        ConfigError: ``x``, scores or names that do not fit the network, or ``beta`` or ``top`` below its least.
        NonFiniteError: A number in ``x`` is NaN or infinite.

    Example:
        >>> from edgewise.kan import KAN
        >>> figure = plot(KAN([2, 5, 1]), torch.rand(100, 2), names=["mass", "speed"])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['mass', 'speed', '$y_1$']
    """
    if not beta > 0 or (top is not None and top < 1):
        raise ConfigError(f"beta must be above 0 and top at least 1, got beta={beta} and top={top}")
    x = check_rows(model, x)
    if names is None and model.names is not None:
        below = model.names
    else:
        below = _names(names, "names", "x", x.shape[1])
        below = [below[column] for column in model.inputs or range(x.shape[1])]
    above = _names(out_names, "out_names", "y", model[-1].nodes)
    weights = _scores(model, x, scores)
    present = [(numeric | formula).cpu().numpy() for numeric, formula in map(edges_present, model)]
    drawn = [_strongest(*pair, top) for pair in zip(present, weights, strict=True)]
    hidden = sum(int(p.sum() - d.sum()) for p, d in zip(present, drawn, strict=True))
    note = f"top {top} edges of each layer, {hidden} edges hidden" if hidden else ""
    layout = arrange(list(model), drawn, max(map(width_of, (below, above, [title or ""], [note]))))
    with torch.no_grad():
        inputs = model.trace(x).inputs
    parts = zip(model, inputs, layout.layers, _opacity(weights, beta), strict=True)
    pictures = [edge_pictures(*part, samples) for part in parts]
    figure = None
    if ax is None:
        figure = new_figure()
        ax = figure.add_axes((0, 0, 1, 1))
    draw_edges(ax, layout, pictures)
    draw_nodes(ax, layout, pictures)
    write(ax, layout, below, above, title, note)
    if figure is not None:
        figure.set_size_inches(np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim()))
    return figure_with(ax)


def _names(names: Sequence | None, option: str, letter: str, count: int) -> list[str]:
    if names is None:
        return [f"${letter}_{number}$" if number < 10 else f"${letter}_{{{number}}}$" for number in range(1, count + 1)]
    if isinstance(names, str) or len(names) != count:
        raise ConfigError(f"{option} must be {count} names, one for each column of {letter}, got {names!r}")
    return [name if isinstance(name, str) else f"${require('sympy', extra='science').latex(name)}$" for name in names]


def _scores(model: Network, x: Tensor, scores: Sequence[Tensor] | None) -> list[np.ndarray]:
    shapes = [tuple(layer.mask.shape) for layer in model]
    if scores is None:
        single = len(x) == 1  # nothing deviates
        scores = [torch.zeros(shape) for shape in shapes] if single else attribute(model, x).edge_scores
    given = [tuple(score.shape) for score in scores]
    if given != shapes:
        raise ConfigError(f"scores must have the shapes {shapes}, one (subnodes, inputs) for each layer, got {given}")
    return [score.detach().double().cpu().numpy() for score in scores]


def _opacity(scores: list[np.ndarray], beta: float) -> list[np.ndarray]:
    """Of an edge whose score is unknown, and of all where all scores are zero but for rounding: 1."""
    if not any((score > NOTHING).any() for score in scores):
        return [np.ones_like(score) for score in scores]
    return [np.where(np.isfinite(score), np.tanh(beta * score.clip(0)), 1) for score in scores]


def _strongest(present: np.ndarray, scores: np.ndarray, top: int | None) -> np.ndarray:
    """Of the edges present the ``top`` of highest score, of equal ones the first."""
    if top is None:
        return present
    order = np.argsort(np.where(present, -scores, np.inf), axis=None, kind="stable")
    drawn = np.zeros_like(present)
    drawn.flat[order[: min(top, present.sum())]] = True
    return drawn


def plot_edge(model: Network, x: Tensor | None, layer: int, into: int, out: int, *, ax: "Axes | None" = None) -> "Figure":
    """One edge close up.

    The function over the samples and the domain of its grid, with samples as dots on it and strokes at the bottom, the
    knots as ticks and the outside of the domain shaded; a formula is named with its a, b, c, d.

    Args:
        model: The network.
        x: Samples, ``(N, inputs)``, of the network; None for those of the last fit.
        layer: Which layer, counted from 0.
        into: From which of its inputs the edge comes.
        out: In which of its subnodes it ends.
        ax: Axes to draw in, instead of a new figure.

    Raises:
        ConfigError: There is no such edge, or ``x`` does not fit the network.
        NonFiniteError: A number in ``x`` is NaN or infinite.

    Example:
        >>> from edgewise.kan import KAN
        >>> model = KAN([2, 5, 1])
        >>> model.fix_symbolic(0, 1, 3, "sin", (2.0, 0.0, 1.0, 0.5))
        >>> print(plot_edge(model, torch.rand(100, 2), 0, 1, 3).axes[0].get_title(loc="left"))
        layer 0, input 1 to subnode 3
        c f(a x + b) + d with f = sin, a = 2, b = 0, c = 1, d = 0.5
    """
    x = check_rows(model, x)
    if not 0 <= layer < len(model):
        raise ConfigError(f"the network has layers 0 to {len(model) - 1}, and no layer {layer}")
    edges = model[layer]
    check_edge(edges, out, into)
    with torch.no_grad():
        t = model.trace(x).inputs[layer][:, into]
    if ax is None:
        ax = new_figure(figsize=(5, 3.4), layout="constrained").subplots()
    draw_close_up(ax, edges, into, out, t)
    title = f"layer {layer}, input {into} to subnode {out}"
    ax.set_title("\n".join(filter(None, (title, describe(edges, into, out)))), loc="left", fontsize=10)
    return figure_with(ax)
