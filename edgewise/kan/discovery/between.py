"""What a formula does between the rows, where no target tells: it should do what the fitted curves do."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.kan.kan import KAN

MOST = 300  # rows from which others are looked at
STEPS = 12  # points on the way from a row to the next
WORSE = 10.0  # a formula must not be so many times farther from the curves between rows than at them,
NOTICED = 0.3  # if that is more than so many of their standard deviations
POLES = {"1/x", "1/x^2", "1/x^3", "1/x^4", "1/x^5", "tan"}


@dataclass(frozen=True)
class Departure:
    """The largest difference between a formula and the fitted curves, in standard deviations of what the curves give.

    Attributes:
        rows: At the rows.
        between: Between neighbouring rows; infinite if the formula has a pole there.
    """

    rows: float
    between: float

    @property
    def is_wild(self) -> bool:
        """Whether the formula does between the rows what neither they nor the curves know of."""
        if math.isinf(self.between):
            return self.rows < NOTICED
        return self.between > max(WORSE * self.rows, NOTICED)


@dataclass(frozen=True)
class Ways:
    """Ways from rows to neighbouring ones, and points on them.

    Attributes:
        starts: Where they begin, ``(ways, inputs)``.
        ends: Where they end, the same.
        shares: How far along each the points are, from 0 to 1, ``(steps, 1, 1)``.
    """

    starts: Tensor
    ends: Tensor
    shares: Tensor

    @property
    def points(self) -> Tensor:
        """The points, ``(steps * ways, inputs)``."""
        return self.between(self.starts, self.ends)

    def between(self, starts: Tensor, ends: Tensor) -> Tensor:
        """What straight lines from row to row give at the points, ``(ways, n), (ways, n) -> (steps * ways, n)``."""
        return (starts + self.shares.to(starts) * (ends - starts)).flatten(0, 1)


def between_rows(x: Tensor) -> Ways:
    """Points between neighbouring rows; none if all rows are the same.

    Of one column they are a mesh over its range; of several, they lie on the ways from rows to their nearest ones in each
    direction, so that none is far from all rows.

    Args:
        x: Rows, ``(N, inputs)``, in units in which columns can be compared.

    Example:
        >>> points = between_rows(torch.tensor([[0.0], [13.0], [13.0]])).points
        >>> len(points), points.min().item(), points.max().item()
        (12, 1.0, 12.0)
    """
    rows = x.unique(dim=0)
    some = rows[:: max(1, len(rows) // MOST)]
    distance = torch.cdist(some, rows)
    starts, ends = [], []
    for column in range(x.shape[1]):
        ahead = rows[:, column] - some[:, column].unsqueeze(1)  # shape: (some, rows)
        nearest = torch.where(ahead > 0, distance, torch.inf).min(1)
        there = nearest.values.isfinite()
        starts.append(some[there])
        ends.append(rows[nearest.indices[there]])
    shares = torch.arange(1, STEPS + 1, device=x.device, dtype=x.dtype).view(-1, 1, 1) / (STEPS + 1)
    return Ways(torch.cat(starts), torch.cat(ends), shares)


@torch.no_grad()
def departure(curves: KAN, formulas: KAN, x: Tensor, ways: Ways) -> Departure:
    """How far a network of formulas is from one of curves.

    Where rows are few, curves bend between them as they like. So what counts there is the distance to the nearer of the
    curves and the straight line from row to row.

    Args:
        curves: The fitted network.
        formulas: The same with formulas on its edges.
        x: The rows, ``(N, inputs)``.
        ways: What :func:`between_rows` makes of them.
    """
    wanted, points = curves(x), ways.points
    spread = wanted.std(0, correction=0)
    unit = torch.where(spread > 0, spread, 1)
    at = ((formulas(x) - wanted) / unit).abs().amax()
    if not len(points):
        return Departure(float(at), 0.0)
    lines, told = ways.between(curves(ways.starts), curves(ways.ends)), formulas(points)
    off = (torch.minimum((told - curves(points)).abs(), (told - lines).abs()) / unit).amax()
    wild = not bool(off.isfinite()) or _has_pole(formulas, x)
    return Departure(float(at), math.inf if wild else float(off))


def _has_pole(model: KAN, x: Tensor) -> bool:
    """Whether a function is infinite between what it is given for some rows and what it is given for others."""
    for layer, rows in zip(model, model.trace(x).inputs, strict=True):
        for name, outs, inputs in layer.symbolic.groups() if layer.symbolic is not None else ():
            if name in POLES:
                a, b, c, _ = layer.enable_symbolic().affine[outs, inputs].unbind(-1)
                turns = (a * rows[:, inputs] + b) / math.pi + 0.5 if name == "tan" else a * rows[:, inputs] + b
                branch = turns.floor() if name == "tan" else turns.sign()
                if ((branch.amax(0) != branch.amin(0)) & (c != 0)).any():
                    return True
    return False
