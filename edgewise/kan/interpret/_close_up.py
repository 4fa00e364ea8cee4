"""Draws one edge close up: its function, samples, knots and domain."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.figures import ACCENT, LINE
from edgewise.kan.interpret._edges import colours_of
from edgewise.kan.interpret.curves import edge_curve, edges_present, inner_knots, ranges
from edgewise.kan.layer import KANLayer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHADE = "#f0f2f5"
POINTS = 601  # of the curve
SAMPLES = 300  # of those given, about, that are drawn


@torch.no_grad()
def draw_close_up(ax: "Axes", layer: KANLayer, into: int, out: int, t: Tensor) -> None:
    """The edge of ``layer`` from input ``into`` to subnode ``out``, on samples ``t`` of that input, ``(N,)``."""
    knots = inner_knots(layer, into)
    (lo,), (hi,) = ranges(torch.cat([t, knots]).unsqueeze(1))
    some = t[:: max(1, len(t) // SAMPLES)]
    points = lo + torch.linspace(-0.06, 1.06, POINTS).to(t) * (hi - lo)
    curve, marks = (edge_curve(layer, out, into, s).double().cpu().numpy() for s in (points, some))
    points, some, knots = (part.double().cpu().numpy() for part in (points, some, knots))
    numeric, formula = (part[out, into].cpu().numpy() for part in edges_present(layer))
    colour = colours_of(numeric, formula)
    for start, end in ((points[0], knots[0]), (knots[-1], points[-1])):
        ax.axvspan(start, end, color=SHADE, linewidth=0, zorder=0)
    ax.axhline(0, color=LINE, linewidth=0.8, zorder=1)
    ax.plot(points, curve, color=colour, linewidth=1.5)
    shared = {"color": colour, "alpha": 0.3, "snap": False}
    ax.plot(some, marks, "o", markersize=4, markeredgewidth=0, **shared)
    ax.plot(some, np.full_like(some, 0.012), "|", markersize=6, transform=ax.get_xaxis_transform(), **shared)
    ax.xaxis.remove_overlapping_locs = False
    ax.set_xticks(knots, minor=True)
    ax.tick_params(axis="x", which="minor", length=10, direction="in", color=ACCENT)
    ax.locator_params(axis="x", nbins=7)
    ax.set(xlim=(points[0], points[-1]), xlabel=f"input {into}", ylabel=f"to subnode {out}")
    ax.spines[["top", "right"]].set_visible(False)


def describe(layer: KANLayer, into: int, out: int) -> str:
    """What an edge is, in a line; nothing for a spline.

    Example:
        >>> layer = KANLayer(2, 1, symbolic=True)
        >>> layer.fix_symbolic(1, 0, "sin", (2.0, 0.0, 1.0, 0.5))
        >>> describe(layer, 1, 0)
        'c f(a x + b) + d with f = sin, a = 2, b = 0, c = 1, d = 0.5'
    """
    numeric, formula = (part[out, into] for part in edges_present(layer))
    if layer.symbolic is None or not formula:
        return "" if numeric else "cut"
    numbers = zip("abcd", layer.symbolic.affine[out, into].tolist(), strict=True)
    text = ", ".join([f"f = {layer.symbolic.name(out, into)}", *(f"{letter} = {number:.4g}" for letter, number in numbers)])
    return ("a spline + " if numeric else "") + "c f(a x + b) + d with " + text
