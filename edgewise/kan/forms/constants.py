"""The constants of a formula: fitted together, judged by a criterion, and how sure they are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewise._ground.optional import require
from edgewise.kan.forms.tree import FIXED, POWER, PRODUCT, SUM, Tree
from edgewise.kan.functions import FUNCTIONS

EXACT = 1e-12  # root mean square, in deviations of the targets, below which accuracy is rounding
FEW = 4  # constants, of which no smooth function is told nearly exactly by chance
LENGTH = 4.0  # price of a number, a variable or an operation: which one it is was chosen among a dozen, twice its logarithm
FAR = 1e150
TOLERANCES = (1e-9, 1e-15)  # changes at which a fit ends; the second where it may become exact,
NEARLY = 1e-4  # which is below this error
DIGITS = 4  # binary, of a number that is not fitted, that cost as much as a letter
PI = 0.5  # what pi costs beside its factor
DENOMINATOR = 12  # of a number that is not fitted, or of its ratio to pi


@dataclass(frozen=True)
class Fitted:
    """A formula with constants fitted to rows.

    Attributes:
        tree: It.
        error: Root mean square, in deviations of the targets; infinite where it is not defined at all rows.
        score: The :func:`criterion`.
    """

    tree: Tree
    error: float
    score: float

    @property
    def is_exact(self) -> bool:
        """Whether nothing is left over but rounding; many constants may leave little by chance, and must leave less."""
        return self.error < EXACT * (1e3 if len(self.tree.constants()) <= FEW else 10)


class Rows:
    """Rows that formulas are fitted to.

    Args:
        columns: Column by column, ``(N,)`` each.
        y: Targets, ``(N,)``.
        weight: How much each row counts in the mean square.
    """

    def __init__(self, columns: Sequence[Tensor], y: NDArray, weight: NDArray | None = None):
        self.columns, self.y = list(columns), y
        if not len(y):  # none are held back of few
            self.weight, self.mean, self.spread, self.unit = np.ones(0), 0.0, 1.0, np.ones(0)
            return
        self.weight = np.ones(len(y)) if weight is None else weight * len(y) / weight.sum()
        self.mean = float(np.average(y, weights=self.weight))
        self.spread = float(np.average((y - self.mean) ** 2, weights=self.weight)) ** 0.5 or 1.0
        self.unit = self.weight**0.5 / self.spread

    def __len__(self) -> int:
        return len(self.y)

    def some(self, kept: NDArray) -> "Rows":
        """Some of the rows."""
        return Rows([column[kept] for column in self.columns], self.y[kept], self.weight[kept])

    @property
    def outer(self) -> "Rows":
        """The rows of the target itself, if these are of an unknown part of its formula; else they."""
        return self

    def whole(self, tree: Tree) -> Tree:
        """The formula of the target, of the columns of :attr:`outer`."""
        return tree

    def told(self, tree: Tree, constants: Sequence[Tensor | float] | None = None) -> Tensor:
        """What a formula gives for the target, ``(N,)``; arguments as those of a tree."""
        return tree(self.columns, constants)

    def slopes(self, tree: Tree, constants: Sequence[float]) -> NDArray:
        """The derivatives of what is told by the constants, in deviations of the targets, ``(N, constants)``."""
        wide = [torch.full((len(self.y),), c, dtype=torch.double, requires_grad=True) for c in constants]
        if not wide:
            return np.zeros((len(self.y), 0))
        with torch.enable_grad():
            total = self.told(tree, wide).sum()  # no row depends on another's constants
            found = torch.autograd.grad(total, wide, allow_unused=True, materialize_grads=True)
        return torch.stack(found, 1).numpy() * self.outer.unit[:, None]

    def off(self, tree: Tree, constants: Sequence[float] | None = None) -> NDArray:
        """The differences, in deviations of the targets, ``(N,)``."""
        with np.errstate(all="ignore"):
            return (self.told(tree, constants).numpy() - self.outer.y) * self.outer.unit

    def judged(self, tree: Tree) -> Fitted:
        """A formula with its error and score, as its constants are."""
        with np.errstate(all="ignore"):
            error = float(np.sqrt(np.mean(self.off(tree) ** 2)))
        if not np.isfinite(error):
            return Fitted(tree, math.inf, math.inf)
        count = len(self)
        return Fitted(tree, error, criterion(count, error, len(tree.constants()), length(tree)))

    def fitted(self, tree: Tree, steps: int = 30) -> Fitted:
        """A formula with its constants fitted by Levenberg-Marquardt, from where they are."""
        start, before = np.array(tree.constants()), self.judged(tree)
        if not len(start) or len(start) >= len(self) or not np.isfinite(before.error) or before.error < EXACT:
            return before

        def off(values: NDArray) -> NDArray:
            left = self.off(tree, values.tolist())
            return np.where(np.abs(left) < FAR, left, FAR)

        def slopes(values: NDArray) -> NDArray:
            found = self.slopes(tree, values.tolist())
            return np.where(np.abs(found) < FAR, found, 0)

        solve = require("scipy.optimize", extra="science").least_squares
        best = before
        for end in TOLERANCES:
            scale, ends = np.abs(start) + 1e-3 * (start == 0), {"xtol": end, "ftol": end, "gtol": end}
            with np.errstate(all="ignore"):
                start = solve(off, start, slopes, method="lm", x_scale=scale, max_nfev=steps, **ends).x
            best = min(best, self.judged(tree.with_constants(start)), key=lambda fitted: fitted.score)
            if best.error > NEARLY:
                break
        return best

    def errors_of(self, fitted: Fitted) -> NDArray:
        """Standard errors of the constants, from the Jacobian at the least squares; infinite if rows do not tell."""
        values = fitted.tree.constants()
        slopes = self.slopes(fitted.tree, values)
        scale = np.linalg.norm(slopes, axis=0)
        freedom = max(1, len(self) - len(values))
        if not values or not np.isfinite(slopes).all() or not scale.all():
            return np.full(len(values), math.inf)
        inverse = np.linalg.pinv((slopes / scale).T @ (slopes / scale), rcond=1e-14, hermitian=True)
        return np.sqrt(np.diag(inverse).clip(0) * len(self.y) / freedom) * max(fitted.error, EXACT) / scale


def criterion(rows: int, error: float, constants: int, letters: float) -> float:
    r"""N log(mean square) + k log(N) N / (N - k - 2) + 4 letters N / (N - k): the smaller, the better.

    Schwarz's criterion and a price for each letter, both corrected for few rows: else formulas with nearly as many
    constants as rows win by chance. The first factor is McQuarrie's (Statistics & Probability Letters 44, 1999). The
    second: of M formulas of k constants the best leaves over a share s of pure noise with probability up to
    M s^((N - k) / 2), so that N log s is worth 2 log(M) N / (N - k).

    Args:
        rows: How many there are, N.
        error: Root mean square, in deviations of the targets.
        constants: How many were fitted, k.
        letters: The length of the formula.

    Example:
        >>> criterion(11, 0.1, 2, 5.0) < criterion(11, 0.01, 8, 30.0)
        True
    """
    least = 1 / rows  # what counts as left where nothing is: finite, so that there is a formula for two rows
    constant, letter = math.log(rows) / max(rows - constants - 2, least), LENGTH / max(rows - constants, least)
    return rows * (2 * math.log(error + EXACT) + constants * constant + letters * letter)


def length(tree: Tree) -> float:
    """The length of a formula: functions count as the library says, numbers that are not fitted by their digits."""
    if tree.op == FIXED:
        return min(_digits(tree.value), PI + _digits(tree.value / math.pi))
    if not tree.args:
        return 1.0
    own = len(tree.args) - 1 if tree.op in (SUM, PRODUCT) else 1 if tree.op == POWER else FUNCTIONS[tree.op].complexity
    return sum(map(length, tree.args)) + own


def _digits(value: float) -> float:
    """1 for a number, and for every fourth binary digit above and below the line."""
    near = Fraction(value).limit_denominator(DENOMINATOR)
    if abs(float(near) - value) > 1e-12 * abs(value):
        return math.inf if value else 1.0
    return 1 + (math.log2(max(1, abs(near.numerator))) + math.log2(near.denominator)) / DIGITS
