"""Larger networks that compute what a network computes, with new parts to train; the network itself stays as it was."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.kan.layer import KANLayer
from edgewise.kan.network import Network, Some


def expand_width(model: Some, layer: int, sums: int = 0, arities: Sequence[int] = ()) -> Some:
    """The same function with more nodes in one hidden layer.

    Edges into the new nodes are drawn as those of a new network; edges out of them are zero, and the first to learn.

    Args:
        model: The network.
        layer: Number of the layer that ends in these nodes, from 0; not the last, whose nodes are the outputs.
        sums: How many nodes that add to put behind those that add.
        arities: For each node that multiplies, to be put last, how many subnodes it multiplies.

    Raises:
        ConfigError: There is no such hidden layer, or nothing to add.

    Example:
        >>> from edgewise.kan import KAN
        >>> model, x = KAN([2, 3, 1]), torch.rand(10, 2)
        >>> wider = expand_width(model, 0, sums=2, arities=[2])
        >>> wider.width, torch.allclose(wider(x), model(x), atol=1e-6)
        ([2, [5, [2]], 1], True)
    """
    if not 0 <= layer < len(model) - 1:
        raise ConfigError(f"hidden layers are from 0 to {len(model) - 2}, got {layer}")
    if sums < 0 or (sums == 0 and not arities):
        raise ConfigError(f"name at least one node to add, got sums={sums} and arities={list(arities)}")
    wider = copy.deepcopy(model)
    before, after = model[layer], model[layer + 1]
    every = list(range(before.in_features))
    wider[layer] = enlarged(before, before.in_features, every, sums, tuple(arities))
    kept = _places(before.sums, sums, len(before.arities))
    wider[layer + 1] = enlarged(after, wider[layer].nodes, kept, 0, ())
    silence(wider[layer + 1], [i for i in range(wider[layer].nodes) if i not in kept])
    return wider


def expand_depth(model: Some) -> Some:
    """The same function with one more layer at the end: symbolic edges carry the outputs on, beside numeric ones of zero.

    The basis of the new layer is that of the last one; ``update_grid`` moves its knots to where the outputs are.

    Args:
        model: The network.

    Example:
        >>> from edgewise.kan import KAN
        >>> model, x = KAN([2, 3, 1]), torch.rand(10, 2)
        >>> deeper = expand_depth(model)
        >>> deeper.width, torch.equal(deeper(x), model(x))
        ([2, 3, 1, 1], True)
    """
    deeper, last = copy.deepcopy(model), model[-1]
    new = _like(last, last.nodes, last.nodes, ())
    silence(new, range(last.nodes))
    for node in range(last.nodes):
        new.enable_symbolic().fix(node, node, "x")
    return deeper.append(new)


@torch.no_grad()
def side_by_side(first: Some, second: Network) -> Some:
    """The sum of two networks as one: their hidden nodes lie beside one another, and the outputs are added.

    Args:
        first: A network.
        second: Another, of as many layers, inputs and outputs.

    Raises:
        ConfigError: The networks do not have the same shape; they have scales and biases of nodes, or outputs that
            multiply; an edge would be both's; or curves of the second are on another basis or other knots.

    Example:
        >>> from edgewise.kan import KAN
        >>> one, other, x = KAN([2, 3, 1]), KAN([2, [1, 1], 1]), torch.rand(10, 2)
        >>> both = side_by_side(one, other)
        >>> both.width, torch.allclose(both(x), one(x) + other(x), atol=1e-5)
        ([2, [4, [2]], 1], True)
    """
    ends = [(len(model), model[0].in_features, model.inputs, model[-1].nodes) for model in (first, second)]
    if ends[0] != ends[1]:
        raise ConfigError(
            f"networks side by side need as many layers, inputs and outputs, got {first.width} and {second.width}"
        )
    if any(layer.affine is not None for layer in (*first, *second)) or first[-1].arities or second[-1].arities:
        raise ConfigError("networks with scales and biases of nodes, or outputs that multiply, cannot be put side by side")
    both = copy.deepcopy(first)
    columns = [list(range(ends[0][1]))] * 2
    for place, pair in enumerate(zip(first, second, strict=True)):
        last = place == len(both) - 1
        layer, columns = _beside(pair, columns, last)
        both[place] = layer
    return both


def _like(layer: KANLayer, inputs: int, sums: int, arities: Sequence[int]) -> KANLayer:
    """A new layer with the settings of another."""
    options = {"base": layer.edge.base, "scale": layer.scale is not None, "affine": layer.affine is not None}
    factory = {"device": layer.coef.device, "dtype": layer.coef.dtype}
    new = KANLayer(inputs, sums, arities, layer.edge.basis, init=layer.init, **options, **factory)
    new.edge = layer.edge
    for name, parameter in layer.named_parameters():
        if not name.startswith("symbolic."):
            new.get_parameter(name).requires_grad_(parameter.requires_grad)
    return new.train(layer.training)


@torch.no_grad()
def enlarged(layer: KANLayer, inputs: int, columns: list[int], sums: int, arities: tuple[int, ...]) -> KANLayer:
    """A layer of more inputs, the old ones at ``columns``, and more nodes, with the old edges where they belong."""
    new = _like(layer, inputs, layer.sums + sums, layer.arities + arities)
    rows, nodes = (_places(layer.sums, sums, old) for old in (sum(layer.arities), len(layer.arities)))
    for name, tensor in new.state.tensors().items():
        tensor[columns] = layer.state.tensors()[name]
    _put(new.coef, layer.coef, columns, 0, rows, 2)
    for name in ("base_weight", "scale"):
        if (weight := getattr(layer, name)) is not None:
            _put(getattr(new, name), weight, rows, 0, columns, 1)
    mask = torch.ones_like(new.mask)
    _put(mask, layer.mask, rows, 0, columns, 1)
    new.set_mask(mask)
    if layer.symbolic is not None:
        symbolic = new.enable_symbolic()
        _put(symbolic.names, layer.symbolic.names, rows, 0, columns, 1)
        _put(symbolic.affine, layer.symbolic.affine, rows, 0, columns, 1)
        symbolic.affine.requires_grad_(layer.symbolic.affine.requires_grad)
    for name, parameter in {} if layer.affine is None else layer.affine.items():
        new.get_parameter(f"affine.{name}")[rows if name.startswith("subnode") else nodes] = parameter
    return new


def _places(sums: int, more: int, products: int) -> list[int]:
    """Where the nodes (or subnodes) of a layer are when ``more`` that add follow those that add."""
    return [*range(sums), *range(sums + more, sums + more + products)]


def _put(new: Tensor, old: Tensor, first: list[int], first_dim: int, second: list[int], second_dim: int) -> None:
    """Write a block of rows and columns."""
    # shape: old is the block of new at rows `first` and columns `second`; further dimensions alike
    new.movedim((first_dim, second_dim), (0, 1))[torch.tensor(first)[:, None], torch.tensor(second)] = old.movedim(
        (first_dim, second_dim), (0, 1)
    )


@torch.no_grad()
def silence(layer: KANLayer, inputs: Sequence[int]) -> None:
    """Make the numeric edges out of some inputs zero."""
    layer.coef[list(inputs)] = 0
    if layer.base_weight is not None:
        layer.base_weight[:, list(inputs)] = 0


def _beside(pair: tuple[KANLayer, KANLayer], columns: list[list[int]], last: bool) -> tuple[KANLayer, list[list[int]]]:
    """The layer of the edges of two, whose inputs are at ``columns``, and the places of their nodes."""
    one, other = pair
    inputs = 1 + max(max(part) for part in columns)
    if last:
        rows = nodes = [list(range(one.sums))] * 2
        new = _like(one, inputs, one.sums, ())
    else:
        new = _like(one, inputs, one.sums + other.sums, one.arities + other.arities)
        rows, nodes = (halves(pair, [count(layer.arities) for layer in pair]) for count in (sum, len))
    new.set_mask(torch.zeros_like(new.mask))
    for layer, row, column in zip(pair, rows, columns, strict=True):
        _copy_edges(new, layer, row, column)
    return new, nodes


def halves(pair: tuple[KANLayer, KANLayer], products: list[int]) -> list[list[int]]:
    """Where nodes (or subnodes) of two layers side by side are: those that add of both, then those that multiply of both.

    Args:
        pair: The layers.
        products: How many nodes (or subnodes) of products each has.
    """
    found, first, second = [], 0, sum(layer.sums for layer in pair)
    for layer, count in zip(pair, products, strict=True):
        found.append([*range(first, first + layer.sums), *range(second, second + count)])
        first, second = first + layer.sums, second + count
    return found


def _copy_edges(new: KANLayer, old: KANLayer, rows: list[int], columns: list[int]) -> None:
    """Put the edges of a layer into another, where there is none yet."""
    if (new.edges()[rows][:, columns] & old.edges()).any():
        raise ConfigError("networks of one layer cannot be put side by side where both have an edge between the same nodes")
    row, column = torch.tensor(rows), torch.tensor(columns)
    outs, inputs = old.mask.nonzero().unbind(1)
    if len(outs):
        _share_knots(new, old, columns)
        new.coef[column[inputs], :, row[outs]] = old.coef[inputs, :, outs]
        for name in ("base_weight", "scale"):
            if (weight := getattr(old, name)) is not None:
                getattr(new, name)[row[outs], column[inputs]] = weight[outs, inputs]
        new.mask[row[outs], column[inputs]] = True
    if old.symbolic is not None:
        outs, inputs = old.symbolic.present.nonzero().unbind(1)
        symbolic = new.enable_symbolic()
        symbolic.names[row[outs], column[inputs]] = old.symbolic.names[outs, inputs]
        symbolic.affine[row[outs], column[inputs]] = old.symbolic.affine[outs, inputs]


def _share_knots(new: KANLayer, old: KANLayer, columns: list[int]) -> None:
    """Give inputs the knots of a layer; those that have curves already must have the same."""
    mine, theirs = new.state.tensors(), old.state.tensors()
    if new.edge.basis != old.edge.basis or (new.scale is None) != (old.scale is None) or new.edge.base != old.edge.base:
        raise ConfigError(
            f"curves side by side need the same basis, got {new.edge} and {old.edge}: refine one of the networks"
        )
    taken = new.mask[:, columns].any(0) & old.mask.any(0)
    for name, tensor in theirs.items():
        if not torch.allclose(mine[name][columns][taken], tensor[taken]):
            raise ConfigError(
                "curves side by side need the same knots: call update_grid on both networks with the same rows"
            )
        free = old.mask.any(0) & ~taken
        mine[name][torch.tensor(columns)[free]] = tensor[free]
