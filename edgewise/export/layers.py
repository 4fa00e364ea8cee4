"""From the layers of a network to the steps of a baked one."""

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError, NonFiniteError
from edgewise.export.formulas import BASES
from edgewise.export.pieces import Pieces, pieces_of
from edgewise.export.steps import Affine, Formula, Layer, Spline, Weighted
from edgewise.kan import FUNCTIONS, KANLayer, SymbolicEdges
from edgewise.nn import KANLinear


def kan_layers(model: nn.Module) -> list[KANLinear]:
    """The layers of a network, one after the other.

    Raises:
        ConfigError: It has another part, or a base function that is not written down.
        NonFiniteError: A parameter is not finite.
    """
    layers = []
    for part in model if isinstance(model, nn.Sequential) else [model]:
        if not isinstance(part, KANLinear):
            raise ConfigError(f"{type(part).__name__} cannot be baked: only a KAN, or KAN layers one after the other")
        if part.edge.base is not None and part.edge.base not in BASES:
            raise ConfigError(f"the base function {part.edge.base!r} cannot be baked: use one of {', '.join(BASES)}")
        layers.append(part)
    if not layers:
        raise ConfigError("the network has no layer to bake")
    for name, parameter in model.named_parameters():
        if not parameter.isfinite().all():
            raise NonFiniteError(f"the parameter {name!r} of the network is not finite: bake one that is")
    return layers


def baked_layer(layer: KANLinear, x: Tensor | None, tolerance: float) -> Layer:
    """The steps of a layer; for ``x`` and ``tolerance`` see :func:`edgewise.export.bake`."""
    mask = layer.mask.t() if isinstance(layer, KANLayer) else torch.ones_like(layer.coef[:, 0], dtype=torch.bool)
    coef = layer.coef if layer.scale is None else layer.coef * layer.scale.t().unsqueeze(1)
    coef = coef.masked_fill(~mask.unsqueeze(1), 0)  # (inputs, K, outputs)
    pieces = pieces_of(layer, coef, x, tolerance) if coef.any() else None
    steps = [] if pieces is None else _splines(pieces, coef.ne(0).any(1))
    if layer.base_weight is not None:
        steps += _base_branch(layer.base_weight.t() * mask, BASES[str(layer.edge.base)])
    own = isinstance(layer, KANLayer)
    if own and layer.symbolic is not None:
        steps += _formulas(layer.symbolic)
    before, after = _affines(layer)
    return Layer(
        layer.out_features,
        tuple(sorted(steps, key=lambda step: step.into)),
        _products(layer) if own else tuple((q,) for q in range(layer.out_features)),
        before,
        after,
        exact=pieces is None or pieces.exact,
    )


def _splines(pieces: Pieces, present: Tensor) -> list[Spline]:
    steps = []
    for into in present.any(1).nonzero().flatten().tolist():
        outs = present[into].nonzero().flatten()
        ends = pieces.low[into].item(), pieces.high[into].item()
        cells = (part[into].numpy() for part in (pieces.centre, pieces.inverse, pieces.coef[..., outs]))
        steps.append(Spline(into, tuple(outs.tolist()), pieces.breaks[into].numpy(), *ends, *cells))
    return steps


def _base_branch(weights: Tensor, formula: str) -> list[Weighted]:
    steps = []
    for into, row in enumerate(weights):
        outs = row.nonzero().flatten()
        if len(outs):
            steps.append(Weighted(into, tuple(outs.tolist()), tuple(row[outs].tolist()), formula))
    return steps


def _formulas(symbolic: SymbolicEdges) -> list[Formula]:
    return [
        Formula(into, out, FUNCTIONS[name].formula, *symbolic.affine[out, into].tolist())
        for name, outs, inputs in symbolic.groups()
        for out, into in zip(outs.tolist(), inputs.tolist(), strict=True)
    ]


def _products(layer: KANLayer) -> tuple[tuple[int, ...], ...]:
    nodes: list[tuple[int, ...]] = [(q,) for q in range(layer.sums)]
    first = layer.sums
    for arity in layer.arities:
        nodes.append(tuple(range(first, first + arity)))
        first += arity
    return tuple(nodes)


def _affines(layer: KANLinear) -> tuple[Affine | None, Affine | None]:
    """Of subnodes and of nodes; the bias of a plain layer is one of subnodes."""
    if isinstance(layer, KANLayer) and layer.affine is not None:
        numbers = {name: tuple(parameter.tolist()) for name, parameter in layer.affine.items()}
        subnodes, nodes = (Affine(numbers[f"{kind}_scale"], numbers[f"{kind}_bias"]) for kind in ("subnode", "node"))
        return subnodes, nodes
    if layer.bias is None:
        return None, None
    return Affine((1.0,) * layer.out_features, tuple(layer.bias.tolist())), None
