"""How far a model reaches: whether the points of a problem lie within its walls, and within grids that do not move."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeGuard

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError, warn
from edgewise.kan.network import Network
from edgewise.nn import EdgeLayer, edge_layers
from edgewise.physics.grids import movable
from edgewise.physics.parts import outermost
from edgewise.physics.problem import Problem
from edgewise.physics.walled import Walled

BENDING = ("repeat", "saturate")  # what functions do beyond their domain that have no end


def check_reach(model: nn.Module, problem: Problem, moves: bool) -> None:
    """Ask all equations once, and look at what the walls and the grids in a model are given.

    Args:
        model: The model.
        problem: The equations.
        moves: Whether the grids of splines will move to the points.

    Raises:
        ConfigError: A walled network is asked outside its domain.

    Warns:
        EdgewiseWarning: A grid that stays is asked beyond its ends, as at the other face under a condition that goes round.
    """
    walled = {name: part for name, part in model.named_modules() if isinstance(part, Walled) and part.domain is not None}
    staying = {name: part for name, part in outermost(model, _is_edges).items() if not moves or name not in movable(model)}
    told = set()
    for term in problem.terms:
        with _noting({**walled, **staying}) as given:
            term.residual(model)
        for name, x in given:
            if name in walled:
                _check_wall(walled[name], term.name, x)
        for name, part in staying.items():
            share = _share_outside(part, [x for asked, x in given if asked == name])
            if share and name not in told:
                told.add(name)
                warn(
                    f"{100 * share:.3g} % of the numbers that {name or 'the network'} is given by {term.name!r} lie beyond "
                    "its grid, where it cannot bend: let grids move (grid_updates=1), or give it a wider domain"
                )


@contextmanager
def _noting(modules: dict[str, nn.Module]) -> Iterator[list[tuple[str, Tensor]]]:
    given: list[tuple[str, Tensor]] = []

    def noting(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _, inputs: given.append((name, inputs[0].detach()))

    hooks = [module.register_forward_pre_hook(noting(name)) for name, module in modules.items()]
    try:
        yield given
    finally:
        for hook in hooks:
            hook.remove()


def _check_wall(walled: Walled, term: str, x: Tensor) -> None:
    if walled.domain is not None and (count := int(walled.domain.beyond(x).sum())):
        raise ConfigError(
            f"{count} of the points of {term!r} lie outside {walled.domain}, within which the network is walled: take "
            "points of inside() and edge(), or give the wall as a function"
        )


@torch.no_grad()
def _share_outside(part: Network | EdgeLayer, inputs: list[Tensor]) -> float:
    if next(layer for _, layer in edge_layers(part)).edge.basis.outside in BENDING:
        return 0.0
    lost = sum(x.numel() * float(torch.as_tensor(part.fraction_outside(x)).mean()) for x in inputs)
    return lost / max(1, sum(x.numel() for x in inputs))


def _is_edges(module: nn.Module) -> TypeGuard[Network | EdgeLayer]:
    return isinstance(module, Network | EdgeLayer)
