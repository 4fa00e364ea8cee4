"""A front of formulas: each is the shortest of those that are as good, with its error on rows held back."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise.kan.discovery.between import between_rows
from edgewise.kan.interpret import Formula
from edgewise.kan.kan import KAN
from edgewise.kan.kanpiler import kanpiler

if TYPE_CHECKING:
    from sympy import Expr

BETTER = 0.98  # of the error of the next shorter formula is what a longer one must have to be offered
WIDER = 0.2  # by so much of its width a range grows, in all, where a formula is looked at beyond its rows
CORNERS = 500
RULE = (
    "the formula with the least N log(mean square) + log(N) for each constant + 4 for each number, variable and operation "
    "(8 to 16 for a function), more of both where rows are few, on all rows"
)
"""How the formula of a front is chosen, see :func:`edgewise.kan.forms.constants.criterion`."""


@dataclass(frozen=True)
class Member:
    """A formula of a front.

    Attributes:
        formula: It; ``rmse`` and ``relative`` are those on the rows learned from.
        length: How many numbers, variables and operations it is written with.
        error: Root mean square error on rows held back, in standard deviations of the targets.
        between: How far it goes beyond the span of the targets between neighbouring rows, in their standard deviations;
            infinite where it is not defined there.
        beyond: The same in a box that is 20 % wider than the rows.
        constants: The constants that were fitted, and their standard errors from the Jacobian.
        criterion: What the choice among formulas goes by, see :data:`RULE`.
        names: What the constants are called, if a form was given in which they have names.
    """

    formula: Formula
    length: int
    error: float
    between: float
    beyond: float
    constants: tuple[tuple[float, float], ...]
    criterion: float
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return str(self.formula)

    @property
    def network(self) -> KAN | None:
        """The formula as a network; None if it has what a network has not, such as a factor that is no finite number."""
        try:
            return kanpiler(self.formula.expressions[0], self.formula.variables)
        except ConfigError:
            return None

    @property
    def uncertainties(self) -> str:
        """The constants that were fitted, each with its standard error, in words."""
        named = [f"{name} = " for name in self.names] or [""] * len(self.constants)
        return ", ".join(f"{n}{value:.6g} ± {error:.2g}" for n, (value, error) in zip(named, self.constants, strict=True))


def pareto(members: Iterable[Member]) -> tuple[Member, ...]:
    """Those of the formulas that no other beats in both length and error, the shortest first."""
    front: list[Member] = []
    for member in sorted(members, key=lambda m: (m.length, m.error)):
        if not front or (member.error < BETTER * front[-1].error and math.isfinite(member.error)):
            front.append(member)
    return tuple(front)


def size(expression: "Expr") -> int:
    """How many numbers, variables and operations an expression is written with.

    Example:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> size(3 * x + 1), size(sympy.sin(x) ** 2)
        (5, 4)
    """
    sympy = require("sympy", extra="science")
    operations = sum(len(e.args) - 1 if e.is_Add or e.is_Mul else 1 for e in sympy.preorder_traversal(expression) if e.args)
    return operations + sum(not e.args for e in sympy.preorder_traversal(expression))


def excursions(formula: Formula, x: Tensor, y: Tensor) -> tuple[float, float]:
    """How far a formula leaves the span of the targets between rows, and in a box that is wider than they.

    Args:
        formula: With one output.
        x: Rows, ``(N, inputs)``.
        y: Targets, ``(N,)``.
    """
    deviation = x.std(0, correction=0).clamp_min(1e-300)
    ways = between_rows(x / deviation).points * deviation
    low, high = x.aminmax(dim=0)
    share = torch.rand(CORNERS, x.shape[1], dtype=x.dtype, generator=torch.Generator().manual_seed(0))
    box = low - WIDER / 2 * (high - low) + share * (1 + WIDER) * (high - low)
    return _excursion(formula, ways, y), _excursion(formula, box, y)


def _excursion(formula: Formula, x: Tensor, y: Tensor) -> float:
    if not len(x):
        return 0.0
    with np.errstate(all="ignore"):
        values = np.asarray(formula(x.numpy()))[:, 0]
    if not np.isfinite(values).all():
        return math.inf
    least, most, spread = float(y.min()), float(y.max()), max(float(y.std(correction=0)), 1e-300)
    return max(0.0, float(values.max()) - most, least - float(values.min())) / spread
