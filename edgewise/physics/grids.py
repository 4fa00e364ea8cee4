"""Moving the grids of whatever layers a model has to where the equations look at them."""

from collections import defaultdict
from collections.abc import Callable
from typing import TypeGuard

import torch
from torch import Tensor, nn

from edgewise.bases import BSpline
from edgewise.kan.network import Network
from edgewise.nn import EdgeLayer, update_grid
from edgewise.nn.ranks import alone
from edgewise.physics.parts import outermost
from edgewise.physics.problem import Problem

SAME = 1e-6  # of the range of a column: numbers less apart are one
MARGIN = 0.3
"""Of the range of what a hidden layer is given, on both sides: a step moves it, and beyond a grid nothing curves."""


def movable(model: nn.Module) -> dict[str, Network | EdgeLayer]:
    """The networks of splines in a model, and its layers of splines outside of networks, by name."""
    return outermost(model, _has_grid)


def move_grids(model: nn.Module, problem: Problem) -> None:
    """Move each grid to the inputs that its layer meets when all equations are asked, once."""
    modules = movable(model)
    inputs: dict[str, list[Tensor]] = defaultdict(list)

    def noting(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _, given: inputs[name].append(given[0].detach())

    hooks = [module.register_forward_pre_hook(noting(name)) for name, module in modules.items()]
    try:
        for term in problem.terms:
            term.residual(model)
    finally:
        for hook in hooks:
            hook.remove()
    for name, module in modules.items():
        if not inputs[name]:
            continue
        x = torch.cat([part.reshape(-1, part.shape[-1]) for part in inputs[name]])
        with alone(), torch.no_grad():
            if isinstance(module, Network):
                _move(module, module.select(x), 0.0 if _fades(module) else MARGIN)
            else:
                update_grid(module, once(x))


def _move(network: Network, x: Tensor, margin: float) -> None:
    for place, layer in enumerate(network):
        update_grid(layer, once(x), margin=margin if place else 0.0)
        x = layer(x)


def once(x: Tensor) -> Tensor:
    """Each number of a column once, NaN for the others: points on an edge of the domain share a coordinate.

    Counted as often as they occur, they draw the knots to the edge, into cells so narrow that no other point is in them.

    Example:
        >>> once(torch.tensor([[0.0], [1.0], [0.0]]))
        tensor([[0.],
                [1.],
                [nan]])
    """
    order = x.argsort(dim=0, stable=True)
    ordered = x.gather(0, order)
    same = ordered.diff(dim=0).abs() <= SAME * (ordered[-1] - ordered[0])
    again = torch.cat([torch.zeros_like(same[:1]), same])
    return torch.empty_like(x).scatter_(0, order, ordered.masked_fill(again, torch.nan))


def _fades(network: Network) -> bool:
    """Whether its functions curve beyond their grids, where they fall to zero."""
    return all(layer.edge.basis.outside == "zero" for layer in network)


def _has_grid(module: nn.Module) -> TypeGuard[Network | EdgeLayer]:
    if not isinstance(module, Network | EdgeLayer):
        return False
    layers = list(module) if isinstance(module, Network) else [module]
    return all(isinstance(layer.edge.basis, BSpline) and getattr(layer, "basis_dim", None) == 1 for layer in layers)
