"""What may be done to a target before its formula is a sum: reciprocal, square, logarithm and the like."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.dimensions import Dimensions
from edgewise.kan.forms.tree import Tree, number

STEEP = 5.0  # weight over the median weight, at most
WIDE = 30.0  # of targets, of which an exponential is taken


@dataclass(frozen=True)
class Target:
    """A function of the target.

    Attributes:
        name: What it is called.
        values: Of the rows, ``(N,)``.
        weight: What differences of them are multiplied by to be those of the target, in first order, ``(N,)``.
        back: From a formula for it to a formula for the target.
        units: What it is measured in, if that is known.
    """

    name: str
    values: NDArray
    weight: NDArray
    back: Callable[[Tree], Tree]
    units: Dimensions | None = None

    @property
    def always(self) -> NDArray:
        """What every sum has: 1, where a constant may be a term, ``(N, 1)``, and else nothing, ``(N, 0)``."""
        return np.ones((len(self.values), int(self.units is None or self.units.takes_constant)))


def targets(rows: Rows, functions: Iterable[str], units: Dimensions | None = None) -> Iterator[Target]:
    """The functions of the target that are defined at all rows.

    Args:
        rows: The rows.
        functions: Names of functions that formulas may have.
        units: What the columns and the target are measured in, if that is known.
    """
    y, allowed, plain = rows.y, {*functions}, rows.weight**0.5
    sign = 1.0 if (y > 0).all() else -1.0 if (y < 0).all() else 0.0

    def made(name: str, values: NDArray, slope: NDArray, back: Callable[[Tree], Tree], power: int) -> Iterator[Target]:
        if units is not None and power == 0 and not units.is_number:
            return
        if np.isfinite(values).all() and np.ptp(values) > 0:
            steep = 1 / np.abs(slope)
            weight = plain * np.minimum(steep, STEEP * np.median(steep))
            yield Target(name, values, weight, back, units and units.like(power))

    def signed(tree: Tree) -> Tree:
        return tree if sign > 0 else number(-1) * tree

    yield from made("itself", y, np.ones_like(y), lambda tree: tree, 1)
    if "log" in allowed and np.ptp(y) < WIDE and np.abs(y).max() < WIDE:
        yield from made("exponential", np.exp(y), np.exp(y), lambda tree: Tree("log", (tree,)), 0)
    if not sign:
        return
    if "1/x" in allowed:
        yield from made("reciprocal", 1 / y, 1 / y**2, lambda tree: tree**-1, -1)
    if "sqrt" in allowed:
        yield from made("square", y**2, 2 * y, lambda tree: signed(tree**0.5), 2)
    if {"sqrt", "1/x"} <= allowed:
        yield from made("square of the reciprocal", y**-2.0, 2 / y**3, lambda tree: signed(tree**-0.5), -2)
    if "exp" in allowed:
        size = np.log(np.abs(y))
        yield from made("logarithm", size, 1 / y, lambda tree: signed(Tree("exp", (tree,))), 0)
