"""What formulas are put together from: functions of one column, of a power product of several, or of a sum of two."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from edgewise.kan.forms.dimensions import Dimensions
from edgewise.kan.forms.tree import FITTED, FIXED, POWER, PRODUCT, SUM, VARIABLE, Tree, constant, has_pole, number, variable

LARGEST = 1e8  # ratio of an atom's largest value to its median
POWERS = {"x": 1, "x^2": 2, "x^3": 3, "x^4": 4, "x^5": 5, "1/x": -1, "1/x^2": -2, "1/x^3": -3, "1/x^4": -4, "sqrt": 0.5}
HIGH = (6, 7, 8, 9)  # powers that the library has no name for
ROOTS = {"1/sqrt(x)": -0.5, "x^1.5": 1.5}
NAMES = {power: name for name, power in (POWERS | ROOTS).items()}
FREE = (-2.5, -1.5, -0.75, -0.4, -0.2, 0.2, 0.4, 0.75, 1.25, 1.75, 2.5, 3.5)
SHIFTS = (0.03, 0.1, 0.3, 1.0, 3.0)  # beyond the rows, in half widths
FINE = (0.001, 0.003, 0.01)
RATES = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)  # of exponentials, per half width
WAVES = np.arange(0.7, 12.7, 0.7)  # of sines, the same
OFTEN = (np.pi, 2 * np.pi, 2.0)  # numbers before the arguments of sines
SQUASHING = ("tanh", "arctan")


@dataclass(frozen=True)
class Atom:
    """A function of the columns that stands in products.

    Attributes:
        tree: It.
        values: At the rows, ``(N,)``.
        columns: That it depends on.
        is_power: Whether it is a power of one column, of which a product has one at most.
        cost: How long it is, and how much had to be guessed.
    """

    tree: Tree
    values: NDArray
    columns: frozenset[int]
    is_power: bool
    cost: float

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole power of one column."""
        return self.is_power and _exponent(self.tree) % 1 == 0


class Atoms:
    """The atoms of some rows.

    Args:
        columns: The rows, column by column.
        functions: Names of functions that may be used.
        units: What the columns are measured in, if it is known.
    """

    def __init__(self, columns: list[Tensor], functions: Iterable[str], units: Dimensions | None = None):
        self.columns, self.functions, self.units = columns, dict.fromkeys(functions), units
        self.exponents = [p for name, p in (POWERS | ROOTS).items() if name in self.functions]
        self.has_all = {*POWERS, *ROOTS} <= {*self.functions}

    def powers(self, column: int, most: int = 5) -> list[Atom]:
        """Powers of a column, with whole and half exponents."""
        allowed = [p for p in self.exponents if abs(p) <= most] + [p for p in HIGH if self.has_all and p <= most]
        made = (variable(column) ** p for p in sorted(allowed, key=lambda p: (abs(p), -p)))
        return self._defined(made, [column], is_power=True)

    def plain(self, column: int) -> list[Atom]:
        """Functions of a column without numbers to be fitted, or with such as are often met."""
        x = variable(column)
        squared = [x**2] if "x^2" in self.functions else []
        others = self._shapes([x], self._others())
        made = [*self._shapes([x, number(-1) * x], ("exp",)), *others]
        made += [f**-1 for f in others if "1/x" in self.functions]
        cubed = [x**3] if "x^3" in self.functions else []
        made += self._shapes([*(number(w) * x for w in OFTEN), *squared, *cubed], ("sin", "cos"))
        made += self._shapes([number(-1) * s for s in squared], ("exp",))
        shifted = [x + number(1), *(s + number(1) for s in squared), *(number(1) + number(-1) * s for s in squared)]
        made += self._openings(shifted)
        if {"log", "sqrt", "x^2"} <= {*self.functions}:
            made.append(Tree("log", (x + (x**2 + number(1)) ** 0.5,)))
        return self._defined(made, [column])

    def guessed(self, column: int) -> list[Atom]:
        """Functions of a column with a number in them that is fitted afterwards, from many beginnings."""
        x, rows = variable(column), self.columns[column].numpy()
        middle, half = (rows.max() + rows.min()) / 2, (rows.max() - rows.min()) / 2
        far = float(np.max(rows**2))
        made = self._shapes([constant(s * r / half) * x for r in RATES for s in (1, -1)], ("exp",))
        made += self._shapes([constant(w / half) * x for w in WAVES], ("sin", "cos"))
        made += self._shapes([constant(w / far) * x**2 for w in WAVES[::2]], ("sin", "cos"))
        farther = float(np.max(np.abs(rows) ** 3))
        cubes = [constant(w / farther) * x**3 for w in WAVES[::2]] if "x^3" in self.functions else []
        made += self._shapes(cubes, ("sin", "cos"))
        made += self._shapes([constant(s * r / far) * x**2 for r in RATES[::2] for s in (1, -1)], ("exp",))
        beyond = [x + constant(half * (1 + s) - middle) for s in SHIFTS]
        beyond += [constant(half * (1 + s) + middle) + number(-1) * x for s in SHIFTS]
        beyond += [x**2 + constant(far * s) for s in (*FINE, *SHIFTS[:4])]
        beyond += [constant(far * (1 + s)) + number(-1) * x**2 for s in SHIFTS[:4]]
        made += self._openings(beyond)
        if self.has_all:
            made += [Tree("^", (x, constant(a))) for a in FREE]
        steps = [constant(r / half) * x + constant(-r * (middle / half + b)) for r in (1, 3, 10) for b in (-0.6, 0, 0.6)]
        made += self._shapes(steps, SQUASHING)
        return self._defined(made, [column], extra=2)

    def joint(self, columns: Iterable[int], most: int) -> list[Atom]:
        """Functions of power products of up to ``most`` columns, and of sums and differences of two;
        logarithms of two, and one to the power of another."""
        found, columns = [], list(columns)
        for size in range(2, most + 1):
            for chosen in combinations(columns, size):
                made = []
                for signs in product((1, -1), repeat=size):
                    if "1/x" not in self.functions and -1 in signs:
                        continue
                    m = Tree("*", tuple(variable(c) ** s for c, s in zip(chosen, signs, strict=True)))
                    made += self._shapes([m], ("exp", "sin", "cos")) + self._shapes([number(-1) * m], ("exp",))
                    if size == 2:
                        made += self._shapes([m], ("log",)) if signs[0] > 0 else []  # the others are these but for a sign
                        squares = [m**2 + number(1), number(1) + number(-1) * m**2] if "x^2" in self.functions else []
                        made += self._openings([m + number(1), number(1) + number(-1) * m, *squares])
                if size == 2:
                    made += self._sums(*map(variable, chosen))
                    made += self._growing(*map(variable, chosen)) + self._growing(*map(variable, reversed(chosen)))
                found += self._defined(made, chosen)
        return found

    def _sums(self, one: Tree, other: Tree) -> list[Tree]:
        pairs = [one + other, one + number(-1) * other, other + number(-1) * one]
        squares = [one**2 + other**2, one**2 + number(-1) * other**2, other**2 + number(-1) * one**2]
        made = self._openings([*pairs, *(squares if "x^2" in self.functions else [])])
        made += [pair**2 for pair in pairs[:2] if "x^2" in self.functions]
        return made + self._shapes(pairs[:2], ("sin", "cos", "tanh"))

    def _growing(self, rate: Tree, times: Tree) -> list[Tree]:
        """Powers of a column, or of 1 and a column, whose exponents are another column."""
        if not {"exp", "log"} <= {*self.functions}:
            return []
        bases = (rate, rate + number(1))
        return [
            Tree("exp", ((times if sign > 0 else number(-1) * times) * Tree("log", (base,)),))
            for base in bases
            for sign in (1, -1)
        ]

    def _openings(self, sums: list[Tree]) -> list[Tree]:
        """Reciprocals, roots and logarithms of sums."""
        exponents = [p for p in (-1, -2, 0.5, -0.5) if p in self.exponents]
        return [s**p for s in sums for p in exponents] + self._shapes(sums, ("log",))

    def _shapes(self, inner: list[Tree], names: Iterable[str]) -> list[Tree]:
        return [Tree(name, (t,)) for name in names for t in inner if name in self.functions]

    def _others(self) -> list[str]:
        """The functions of the library that are no powers, in its order."""
        known = {*POWERS, *ROOTS, "0", "exp", "x^0.5", "1/x^0.5", "1/x^5", "gaussian"}
        return [name for name in self.functions if name not in known]

    def _defined(self, trees: Iterable[Tree], columns: Iterable[int], is_power=False, extra: float = 0) -> list[Atom]:
        return list(self._checked(trees, frozenset(columns), is_power, extra))

    def _checked(self, trees: Iterable[Tree], columns: frozenset[int], is_power: bool, extra: float) -> Iterator[Atom]:
        """Atoms that are finite at all rows, vary, have no pole between rows, and no value beyond all others."""
        for tree in trees:
            if self.units is not None and self.units.of(tree) is None:
                continue
            with np.errstate(all="ignore"):
                values = tree(self.columns).numpy()
                size = np.abs(values)
                if not np.isfinite(values).all() or size.max() > LARGEST * (np.median(size) + 1e-300):
                    continue
                if np.ptp(values) <= 1e-9 * size.max() or (not is_power and has_pole(tree, self.columns)):
                    continue
            cost = _power_cost(_exponent(tree)) if is_power else tree.length() + extra
            yield Atom(tree, values, columns, is_power, cost)


def _exponent(power: Tree) -> float:
    return power.args[1].value if power.op == "^" else 1.0


def _power_cost(exponent: float) -> float:
    """1 of a column itself, 1.5 of its square or reciprocal; roots cost more."""
    return (abs(exponent) + 1 if exponent > 0 else abs(exponent) + 2) / 2 + (exponent % 1 != 0)


def functions_of(tree: Tree) -> set[str]:
    """Names of the functions in a formula; powers that stay are functions too.

    Example:
        >>> sorted(functions_of(variable(0) ** 2 + Tree("sin", (variable(1),))))
        ['sin', 'x^2']
    """
    own = set() if tree.op in (FITTED, FIXED, VARIABLE, SUM, PRODUCT) else {tree.op}
    if tree.op == POWER:
        own = {NAMES[tree.args[1].value]} if tree.args[1].op == FIXED and tree.args[1].value in NAMES else set()
    return own.union(*map(functions_of, tree.args))
