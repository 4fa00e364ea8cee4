"""What is drawn for each edge: its curve, samples on it, its colour and the name of its formula."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from edgewise.kan.interpret._layout import LayerLayout
from edgewise.kan.interpret.curves import edge_curves, edges_present, ranges
from edgewise.kan.layer import KANLayer

NUMERIC, SYMBOLIC, BOTH = (0.12, 0.14, 0.16), (0.82, 0.14, 0.18), (0.51, 0.31, 0.79)
POINTS = 101  # of a curve
DOTS = 40  # of the samples on a curve, about
INSIDE = 0.84  # how much of its box a curve fills


@dataclass(frozen=True)
class EdgePictures:
    """The drawn edges of one layer, in the order of their boxes.

    Attributes:
        curves: Points of the curves, ``(edges, points, 2)``, in sides of a box about its middle.
        samples: Points to mark, ``(edges, samples, 2)``, likewise.
        colours: Red, green, blue and opacity, ``(edges, 4)``.
        formulas: Names of the functions, None for numeric edges.
    """

    curves: np.ndarray
    samples: np.ndarray
    colours: np.ndarray
    formulas: list[str | None]


def colours_of(numeric: np.ndarray, formula: np.ndarray) -> np.ndarray:
    """Red, green and blue of edges with a numeric part, a formula, or both: ``(...,)`` and ``(...,)`` to ``(..., 3)``."""
    return np.where(formula[..., None], np.where(numeric[..., None], BOTH, SYMBOLIC), NUMERIC)


@torch.no_grad()
def edge_pictures(layer: KANLayer, x: Tensor, place: LayerLayout, opacity: np.ndarray, samples: bool) -> EdgePictures:
    """The pictures of the edges placed, over the range of their inputs ``x``, ``(N, inputs)``."""
    edges = (slice(None), torch.from_numpy(place.out), torch.from_numpy(place.into))
    lo, hi = ranges(x)
    steps = torch.linspace(-0.5, 0.5, POINTS, device=x.device, dtype=x.dtype).unsqueeze(1)
    some = x[:: max(1, len(x) // DOTS)] if samples else x[:0]
    curves, marks = (edge_curves(layer, t)[edges] for t in ((lo + hi) / 2 + steps * (hi - lo), some))
    low, high = ranges(curves)

    def boxed(t: Tensor, y: Tensor) -> np.ndarray:
        y = ((y - (low + high) / 2) / (high - low)).clamp(-0.5, 0.5).where(y.isfinite(), torch.nan)
        return INSIDE * torch.stack([t.expand_as(y), y], -1).transpose(0, 1).double().cpu().numpy()

    numeric, formula = (part.cpu().numpy()[place.out, place.into] for part in edges_present(layer))
    colours = np.concatenate([colours_of(numeric, formula), opacity[place.out, place.into][:, None]], 1)
    edges_placed, symbolic = zip(place.out.tolist(), place.into.tolist(), strict=True), layer.symbolic
    names = [None if symbolic is None else symbolic.name(out, into) for out, into in edges_placed]
    return EdgePictures(
        boxed(steps, curves), boxed(((some - (lo + hi) / 2) / (hi - lo))[:, edges[2]], marks), colours, names
    )
