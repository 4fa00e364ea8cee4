"""Smaller and finer networks out of a fitted one; what they are made from stays as it was."""

import copy
from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.kan.interpret.scores import attribute
from edgewise.kan.layer import KANLayer
from edgewise.kan.network import Some
from edgewise.nn import refine_grid


def prune(model: Some, x: Tensor, node_threshold: float = 1e-2, edge_threshold: float = 3e-2) -> Some:
    """A network without the hidden nodes, and then without the edges, whose scores on ``x`` are low.

    The scores are those of :func:`~edgewise.kan.interpret.attribute`; they are at most about 1. What is returned trains on.

    Args:
        model: The network.
        x: Samples, ``(N, inputs)``, at least two.
        node_threshold: Hidden nodes with no higher score are taken out, but for the best of a layer.
        edge_threshold: Edges with no higher score are cut, and nodes that are left without edges on one side taken out.

    Raises:
        DataError: Fewer than two samples.

    Example:
        >>> from edgewise.kan import KAN
        >>> model = KAN([2, 5, 1])
        >>> prune(model, torch.rand(100, 2), node_threshold=10.0).width
        [2, 1, 1]
    """
    scores = attribute(model, x).node_scores
    kept = [torch.where((s > node_threshold) | (s == s.max()))[0].tolist() for s in scores[1:-1]]
    smaller = keep_nodes(model, kept)
    for layer, edges in zip(smaller, attribute(smaller, x).edge_scores, strict=True):
        layer.set_mask(layer.mask & (edges > edge_threshold))
    return _without_loose_ends(smaller)


def prune_inputs(model: Some, x: Tensor, threshold: float = 1e-2) -> Some:
    """A network that looks only at the inputs whose scores on ``x`` are higher; it takes the same rows as before.

    Args:
        model: The network.
        x: Samples, ``(N, inputs)``, at least two.
        threshold: Inputs with no higher score are taken out, but for the best.

    Example:
        >>> from edgewise.kan import KAN
        >>> model = KAN([3, 1])
        >>> model[0].set_mask(torch.tensor([[True, False, True]]))
        >>> smaller = prune_inputs(model, torch.rand(50, 3))
        >>> smaller.inputs, smaller(torch.rand(4, 3)).shape
        ([0, 2], torch.Size([4, 1]))
    """
    scores = attribute(model, x).feature_scores
    kept = torch.where((scores > threshold) | (scores == scores.max()))[0].tolist()
    return keep_nodes(model, [range(layer.nodes) for layer in list(model)[:-1]], kept)


def keep_nodes(model: Some, hidden: Sequence[Iterable[int]], inputs: Iterable[int] | None = None) -> Some:
    """The network of some of the nodes, and the edges between them.

    Args:
        model: The network.
        hidden: For each hidden layer, the nodes to keep.
        inputs: The inputs to keep; all by default.

    Raises:
        ConfigError: A layer would be empty, a node is not there, or there are as many lists as hidden layers not.

    Example:
        >>> from edgewise.kan import KAN
        >>> keep_nodes(KAN([3, 5, 2]), [[0, 4]], inputs=[2, 1]).width
        [2, 2, 2]
    """
    if len(hidden) != len(model) - 1:
        raise ConfigError(f"each of the {len(model) - 1} hidden layers needs a list of nodes to keep, got {list(hidden)}")
    before = _checked(range(model[0].in_features) if inputs is None else inputs, model[0].in_features)
    smaller = copy.deepcopy(model)
    if inputs is not None:
        columns = model.inputs or range(model[0].in_features)
        smaller.inputs = [columns[i] for i in before]
    for place, (layer, nodes) in enumerate(zip(model, [*hidden, range(model[-1].nodes)], strict=True)):
        after = sorted(_checked(nodes, layer.nodes))
        smaller[place] = layer.subset(before, after)
        before = after
    return smaller


def refine(model: Some, grid: int | Sequence[int]) -> Some:
    """The same function on another number of intervals; see :func:`edgewise.nn.refine_grid`.

    Args:
        model: The network.
        grid: Number of intervals, or one for each layer.

    Example:
        >>> from edgewise.kan import KAN
        >>> refine(KAN([2, 5, 1], grid=3), 10)
        KAN([2, 5, 1], grid=[10, 10], 210 parameters)
    """
    finer = copy.deepcopy(model)
    grids = [grid] * len(model) if isinstance(grid, int) else list(grid)
    if len(grids) != len(model):
        raise ConfigError(f"{len(model)} layers need so many grids, got {grids}")
    for layer, size in zip(finer, grids, strict=True):
        refine_grid(layer, size)
    return finer


def _without_loose_ends(model: Some) -> Some:
    """Take out hidden nodes into which, or out of which, no edge leads, until there is none; the last of a layer stays."""
    while True:
        kept = []
        for before, after in pairwise(model):
            used = after.edges().any(0).tolist()
            kept.append([node for node in range(before.nodes) if _is_fed(before, node) and used[node]] or [0])
        if [len(nodes) for nodes in kept] == [layer.nodes for layer in list(model)[:-1]]:
            return model
        model = keep_nodes(model, kept)


def _is_fed(layer: KANLayer, node: int) -> bool:
    """Whether edges lead into a node, and none of its factors is stuck at zero."""
    subnodes = [subnode for subnode, owner in enumerate(layer.node_of_subnodes()) if owner == node]
    reached = layer.edges()[subnodes].any(1)
    shifted = False if layer.affine is None else layer.affine["subnode_bias"][subnodes] != 0
    return bool(reached.any() and (reached | shifted).all())


def _checked(nodes: Iterable[int], count: int) -> list[int]:
    """Those of ``count`` nodes, each once."""
    chosen = list(dict.fromkeys(map(int, nodes)))
    if not chosen or not all(0 <= node < count for node in chosen):
        raise ConfigError(f"the nodes to keep must be at least one of 0 to {count - 1}, got {chosen}")
    return chosen
