"""Dimensions of formulas: which of them can be what is looked for, whatever numbers stand in them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgewise.kan.forms.tree import FITTED, FIXED, POWER, PRODUCT, SUM, VARIABLE, Tree

SAME = 1e-6  # exponents that differ by less are one
KEEPING = ("abs",)  # functions that give what they are given


@dataclass(frozen=True)
class Dimension:
    """What a formula can be.

    Attributes:
        powers: Of length, time, mass and so on, ``(quantities,)``.
        is_open: Whether a fitted constant in it may change that by a unit which constants may carry.
    """

    powers: NDArray
    is_open: bool


class Dimensions:
    """The rule by which formulas are told that add metres to seconds, or take the sine of a mass.

    Equal dimensions are added. Functions, and powers that are fitted, take numbers. A number that is not fitted has no
    unit; a constant that is fitted has none either, or, if units are named for it, any product of powers of them.

    Args:
        columns: Powers of each quantity in each column, ``(columns, quantities)``.
        target: In the target, ``(quantities,)``.
        constants: In the units that fitted constants may carry, ``(units, quantities)``.

    Example:
        >>> from edgewise.kan.forms.tree import constant, variable
        >>> speed = Dimensions([[1, 0], [0, 1]], [1, -1])  # from metres and seconds
        >>> way, time = variable(0), variable(1)
        >>> speed.fits(constant(2.0) * way * time**-1), speed.fits(way + time)
        (True, False)
    """

    def __init__(self, columns: ArrayLike, target: ArrayLike, constants: ArrayLike = ()):
        self.columns, self.target = np.array(columns, dtype=float), np.array(target, dtype=float)
        self.constants = np.array(constants, dtype=float).reshape(-1, len(self.target))
        self.fixed = _across(self.constants)

    def like(self, power: float) -> "Dimensions":
        """The same for formulas of a power of the target."""
        return Dimensions(self.columns, power * self.target, self.constants)

    @property
    def is_number(self) -> bool:
        """Whether the target is a number without a unit."""
        return not self._differ(self.target)

    @property
    def is_within_reach(self) -> bool:
        """Whether any product of powers of the columns, and of units of constants, is of the target's dimension."""
        left = _across(np.concatenate([self.columns, self.constants])) @ self.target
        return bool(np.abs(left).max(initial=0) < SAME)

    @property
    def takes_constant(self) -> bool:
        """Whether a fitted constant can be a term."""
        return self._agree(Dimension(np.zeros_like(self.target), True), self._wanted)

    def fits(self, tree: Tree) -> bool:
        """Whether a formula can be of the target's dimension."""
        found = self.of(tree)
        return found is not None and self._agree(found, self._wanted)

    def terms(self, powers: NDArray) -> NDArray:
        """Which products, times a fitted constant, are of the target's dimension, ``(n, quantities) -> (n,)``."""
        return np.abs((powers - self.target) @ self.fixed.T).max(1, initial=0) < SAME

    def of(self, tree: Tree) -> Dimension | None:
        """What a formula can be; None if it adds what is different, or a function in it is given what is no number."""
        if tree.op in (FITTED, FIXED):
            return Dimension(np.zeros_like(self.target), tree.op == FITTED)
        if tree.op == VARIABLE:
            return Dimension(self.columns[int(tree.value)], False)
        parts = [found for part in tree.args if (found := self.of(part)) is not None]
        if len(parts) < len(tree.args):
            return None
        if tree.op == SUM:
            return self._sum(parts)
        if tree.op == PRODUCT:
            return Dimension(np.sum([part.powers for part in parts], axis=0), any(part.is_open for part in parts))
        if tree.op == POWER:
            return self._power(parts[0], parts[1], tree.args[1])
        if tree.op in KEEPING:
            return parts[0]
        return Dimension(np.zeros_like(self.target), False) if self._is_number(parts[0]) else None

    @property
    def _wanted(self) -> Dimension:
        return Dimension(self.target, False)

    def _sum(self, parts: Sequence[Dimension]) -> Dimension | None:
        first = min(parts, key=lambda part: part.is_open)  # what is settled settles the others
        return first if all(self._agree(first, part) for part in parts) else None

    def _power(self, base: Dimension, exponent: Dimension, written: Tree) -> Dimension | None:
        made_up_for = written.op == FITTED and not self._differ(self.fixed @ base.powers)  # by the constant before it
        if written.op == FIXED or made_up_for:
            return replace(base, powers=base.powers * written.value)
        return base if self._is_number(base) and self._is_number(exponent) else None

    def _is_number(self, found: Dimension) -> bool:
        return self._agree(found, Dimension(np.zeros_like(self.target), False))

    def _agree(self, one: Dimension, other: Dimension) -> bool:
        off = one.powers - other.powers
        return not self._differ(self.fixed @ off if one.is_open or other.is_open else off)

    def _differ(self, powers: NDArray) -> bool:
        return bool(np.abs(powers).max(initial=0) > SAME)


def _across(units: NDArray) -> NDArray:
    """An orthonormal basis of what no product of powers of some units changes, ``(units, q) -> (rest, q)``."""
    _, sizes, directions = np.linalg.svd(units) if len(units) else (None, np.zeros(0), np.eye(units.shape[1]))
    return directions[int((sizes > SAME).sum()) :]
