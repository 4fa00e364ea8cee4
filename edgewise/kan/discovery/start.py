"""How a fit to a table starts: from numbers of its own, on a grid that the rows can pay for."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import torch

from edgewise._ground.errors import EdgewiseWarning
from edgewise._ground.quiet import quiet
from edgewise.bases import BSpline
from edgewise.kan.kan import KAN


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Within it parameters are drawn from ``seed``, and afterwards the global generator is where it was; None: as ever.

    Example:
        >>> with seeded(0): a = torch.rand(3)
        >>> with seeded(0): torch.equal(a, torch.rand(3))
        True
    """
    if seed is None:
        yield
        return
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # that of the CPU alone, which is what parameters are drawn from
        yield


def affordable_grid(model: KAN, grid: int, targets: int) -> int:
    """The finest grid of at most ``grid`` intervals with which a network has no more parameters than targets; at least 1.

    Args:
        model: The network, on any grid.
        grid: Number of intervals wanted.
        targets: How many numbers it is to be fitted to.

    Example:
        >>> affordable_grid(KAN([2, 5, 1], grid=3), 3, 1000), affordable_grid(KAN([2, 5, 1], grid=3), 3, 100)
        (3, 2)
    """
    edges = sum(layer.mask.numel() for layer in model)
    others = sum(p.numel() for p in model.parameters()) - sum(layer.coef.numel() for layer in model)
    degree = max(basis.degree for layer in model if isinstance(basis := layer.edge.basis, BSpline))
    return max(1, min(grid, (targets - others) // edges - degree))


def start(width: Sequence, grid: int, k: int, targets: int) -> KAN:
    """A network in float64 to be fitted to so many numbers, on a grid that they can pay for.

    Args:
        width: Nodes from input to output.
        grid: Intervals wanted.
        k: Degree of the splines.
        targets: How many numbers it is to be fitted to.
    """
    model = KAN(width, grid=grid, k=k)
    affordable = affordable_grid(model, grid, targets)
    return (model if affordable == grid else KAN(width, grid=affordable, k=k)).double()


def learning_by_heart() -> AbstractContextManager[None]:
    """Within it, more parameters than targets are no reason to warn: a penalty, or pruning, deals with them."""
    return quiet("learn all of them by heart", category=EdgewiseWarning)
