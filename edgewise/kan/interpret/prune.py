"""Smaller and finer networks out of a fitted one; what they are made from stays as it was."""

import copy
from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError, warn
from edgewise.kan.interpret.curves import check_rows
from edgewise.kan.interpret.cut import Lost, cut, difference, varying_edges
from edgewise.kan.interpret.scores import attribute
from edgewise.kan.layer import KANLayer
from edgewise.kan.network import Network, Some
from edgewise.nn import refine_grid
from edgewise.nn.ranks import rows_of_all

PROMISED = 3.0  # times the scores of all that was cut: by more outputs should not change
NOTICED = 0.25  # and of no less, in deviations of the output, need anybody hear: what was pruned is fitted again


def prune(model: Some, x: Tensor | None = None, node_threshold: float = 1e-2, edge_threshold: float = 3e-2) -> Some:
    """A network without the hidden nodes, and then without the edges, whose scores on ``x`` are low.

    The scores are those of :func:`~edgewise.kan.interpret.attribute`; they are at most about 1. What is cut leaves its mean
    over ``x``, so that of its curve only the variation is lost. :func:`~edgewise.kan.interpret.difference` tells how much
    the outputs changed; a warning says so if it is much more than the scores promised. What is returned trains on. In a
    process group the rows of all ranks count, so that all cut the same: each rank must call it.

    Args:
        model: The network.
        x: Samples, ``(N, inputs)``, at least two; by default those of the last fit.
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
    x = rows_of_all(check_rows(model, x))
    scores = attribute(model, x).node_scores
    kept = [torch.where((s > node_threshold) | (s == s.max()))[0].tolist() for s in scores[1:-1]]
    smaller = keep_nodes(model, kept, x=x)
    promised = sum(s.sum().item() - s[k].sum().item() for s, k in zip(scores[1:-1], kept, strict=True))
    lost = []
    for layer, edges in zip(smaller, attribute(smaller, x).edge_scores, strict=True):
        gone = layer.mask & (edges <= edge_threshold)
        promised += edges[gone].sum().item()
        lost.append(Lost(gone, torch.zeros_like(gone)))
    cut(smaller, lost, x)
    smaller = _without_loose_ends(smaller, x)
    _warn_of_change(model, smaller, x, promised)
    return smaller


def prune_inputs(model: Some, x: Tensor | None = None, threshold: float = 1e-2) -> Some:
    """A network that looks only at the inputs whose scores on ``x`` are higher; it takes the same rows as before.

    What the edges from the other inputs gave on average stays, as in :func:`prune`.

    Args:
        model: The network.
        x: Samples, ``(N, inputs)``, at least two; by default those of the last fit.
        threshold: Inputs with no higher score are taken out, but for the best.

    Example:
        >>> from edgewise.kan import KAN
        >>> model = KAN([3, 1])
        >>> model[0].set_mask(torch.tensor([[True, False, True]]))
        >>> smaller = prune_inputs(model, torch.rand(50, 3))
        >>> smaller.inputs, smaller(torch.rand(4, 3)).shape
        ([0, 2], torch.Size([4, 1]))
    """
    x = rows_of_all(check_rows(model, x))
    scores = attribute(model, x).feature_scores
    kept = torch.where((scores > threshold) | (scores == scores.max()))[0].tolist()
    smaller = keep_nodes(model, [range(layer.nodes) for layer in list(model)[:-1]], kept, x)
    _warn_of_change(model, smaller, x, (scores.sum() - scores[kept].sum()).item())
    return smaller


def keep_nodes(
    model: Some, hidden: Sequence[Iterable[int]], inputs: Iterable[int] | None = None, x: Tensor | None = None
) -> Some:
    """The network of some of the nodes, and the edges between them.

    Args:
        model: The network.
        hidden: For each hidden layer, the nodes to keep.
        inputs: The inputs to keep; all by default.
        x: Rows, ``(N, inputs)``: what the edges out of the other nodes gave on them, on average, stays. By default it goes.

    Raises:
        ConfigError: A layer would be empty, a node is not there, or there are as many lists as hidden layers not.

    Example:
        >>> from edgewise.kan import KAN
        >>> keep_nodes(KAN([3, 5, 2]), [[0, 4]], inputs=[2, 1]).width
        [2, 2, 2]
    """
    if len(hidden) != len(model) - 1:
        raise ConfigError(f"each of the {len(model) - 1} hidden layers needs a list of nodes to keep, got {list(hidden)}")
    chosen = [range(model[0].in_features) if inputs is None else inputs, *hidden]
    chosen = [_checked(nodes, layer.in_features) for nodes, layer in zip(chosen, model, strict=True)]
    before, smaller = chosen[0], copy.deepcopy(model)
    if x is not None:
        model = copy.deepcopy(model)
        cut(model, [_others(layer, nodes) for nodes, layer in zip(chosen, model, strict=True)], x)
    if inputs is not None:
        columns = model.inputs or range(model[0].in_features)
        smaller.inputs = [columns[i] for i in before]
        smaller.names = None if model.names is None else [model.names[i] for i in before]
    for place, (layer, nodes) in enumerate(zip(model, [*chosen[1:], range(model[-1].nodes)], strict=True)):
        after = sorted(nodes)
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


def _others(layer: KANLayer, kept: list[int]) -> Lost:
    """All edges of a layer that come from other inputs than those that are kept."""
    gone = torch.ones_like(layer.mask)
    gone[:, kept] = False
    return Lost(gone, gone)


def _warn_of_change(before: Network, after: Network, x: Tensor, promised: float) -> None:
    """Warn where an output changed by more than the scores of what was cut let one expect."""
    change = difference(before, after, x)
    bound = max(PROMISED * promised, NOTICED)
    if (change.relative <= bound).all():
        return
    output = int(torch.where(change.relative.isnan(), torch.inf, change.relative).argmax())
    warn(
        f"what was cut has scores of {promised:.2g} together, but output {output} changed by {change.relative[output]:.2g} "
        "of its standard deviation: fit the network again, or take lower thresholds"
    )


def _without_loose_ends(model: Some, x: Tensor) -> Some:
    """Take out hidden nodes into which, or out of which, no edge leads, until there is none; the last of a layer stays."""
    while True:
        kept = []
        for before, after in pairwise(model):
            used = varying_edges(after).any(0).tolist()
            kept.append([node for node in range(before.nodes) if _is_fed(before, node) and used[node]] or [0])
        if [len(nodes) for nodes in kept] == [layer.nodes for layer in list(model)[:-1]]:
            return model
        model = keep_nodes(model, kept, x=x)


def _is_fed(layer: KANLayer, node: int) -> bool:
    """Whether edges that are no constants lead into a node, and none of its factors is stuck at zero."""
    subnodes = [subnode for subnode, owner in enumerate(layer.node_of_subnodes()) if owner == node]
    reached = layer.edges()[subnodes].any(1)
    shifted = False if layer.affine is None else layer.affine["subnode_bias"][subnodes] != 0
    return bool(varying_edges(layer)[subnodes].any() and (reached | shifted).all())


def _checked(nodes: Iterable[int], count: int) -> list[int]:
    """Those of ``count`` nodes, each once."""
    chosen = list(dict.fromkeys(map(int, nodes)))
    if not chosen or not all(0 <= node < count for node in chosen):
        raise ConfigError(f"the nodes to keep must be at least one of 0 to {count - 1}, got {chosen}")
    return chosen
