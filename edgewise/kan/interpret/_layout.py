"""Where the parts of a network's diagram go, in inches: inputs at the bottom, outputs on top."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgewise.kan.layer import KANLayer

BOX = (0.5, 0.32)  # the sides of a box: the greatest, and the least height
FILLED = 0.8  # how much of a row is boxes
APART = 0.08  # one row from the other
ROW = 32  # boxes at most side by side
NARROWEST, PAGE, WIDEST = 2.6, 10.0, 14.0
RADIUS = 0.085  # of the symbol of a node where there is room
CLIMB = 0.3  # from factors to their product


@dataclass(frozen=True)
class LayerLayout:
    """One layer of edges.

    Attributes:
        out: The subnodes in which the drawn edges end, left to right, ``(edges,)``.
        into: The inputs from which they come.
        boxes: The middles of their boxes, ``(edges, 2)``.
        size: Width and height of a box.
        floor: Below this and
        ceiling: above this height there are no boxes of the layer.
        inputs: Where the nodes below are, ``(inputs, 2)``.
        subnodes: Where the sums over edges are, ``(subnodes, 2)``.
        nodes: Where the nodes above are; a node that adds is where its sum is, unless others of the layer multiply.
        owner: The node to which each subnode belongs, ``(subnodes,)``.
    """

    out: np.ndarray
    into: np.ndarray
    boxes: np.ndarray
    size: np.ndarray
    floor: float
    ceiling: float
    inputs: np.ndarray
    subnodes: np.ndarray
    nodes: np.ndarray
    owner: np.ndarray

    @property
    def multiplies(self) -> bool:
        """Whether some nodes are products."""
        return len(self.nodes) < len(self.subnodes)


@dataclass(frozen=True)
class Layout:
    """A whole network."""

    layers: list[LayerLayout]
    width: float
    top: float
    radius: float


def arrange(layers: Sequence[KANLayer], drawn: Sequence[np.ndarray], least: float = 0.0) -> Layout:
    """Place a network of which the edges ``drawn``, for each layer ``(subnodes, inputs)``, are shown.

    The diagram is at least ``least`` inches wide if a page allows. The many boxes of a wide layer stand in two rows, the
    upper above the gaps of the lower, so that each can be reached from above and from below.
    """
    most = max(int(matrix.sum()) for matrix in drawn)
    nodes = max(max(layer.out_features, layer.in_features) for layer in layers)
    wanted = max(min(most * BOX[0] / FILLED, PAGE), 0.14 * most, min(0.45 * nodes, PAGE), min(least, PAGE))
    width = min(max(wanted, NARROWEST), WIDEST)
    below = np.stack([spread(layers[0].in_features, width), np.zeros(layers[0].in_features)], 1)
    placed = []
    for layer, matrix in zip(layers, drawn, strict=True):
        placed.append(_place(layer, matrix, below, width))
        below = placed[-1].nodes
    return Layout(placed, width, float(below[0, 1]), min(RADIUS, 0.35 * width / nodes))


def spread(count: int, width: float) -> np.ndarray:
    """So many places, evenly over the width."""
    return (np.arange(count) + 0.5) * (width / count)


def _place(layer: KANLayer, drawn: np.ndarray, below: np.ndarray, width: float) -> LayerLayout:
    into, out = np.nonzero(drawn.T)  # by input, so that the lines to the boxes do not cross
    count, rows = len(out), 1 if len(out) <= ROW else 2
    step = width / max(count + rows - 1, 1)
    wide = min(BOX[0], FILLED * rows * step)
    high = max(wide, BOX[1])
    gap = min(max(0.09 * width, 0.4), 0.95)
    floor = below[0, 1] + gap
    ceiling = floor + high + (rows - 1) * (high + APART)
    row = np.arange(count) % rows
    boxes = np.stack([(np.arange(count) + rows / 2) * step, floor + high / 2 + row * (high + APART)], 1)
    subnodes = np.stack([spread(layer.out_features, width), np.full(layer.out_features, ceiling + gap)], 1)
    owner = np.repeat(np.arange(layer.nodes), [1] * layer.sums + list(layer.arities))
    across = np.bincount(owner, subnodes[:, 0]) / np.bincount(owner)
    nodes = np.stack([across, np.full(layer.nodes, ceiling + gap + (CLIMB if layer.arities else 0))], 1)
    return LayerLayout(out, into, boxes, np.array([wide, high]), floor, ceiling, below, subnodes, nodes, owner)
