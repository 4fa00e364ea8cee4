"""Whether a target is a product of powers times a function of fewer columns, which are products or sums of the columns."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from edgewise._ground.optional import require
from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.surface import Surface
from edgewise.kan.forms.tree import VARIABLE, Tree, constant, number, variable

LEAST = 50  # rows
WORSE = 1.3  # error with fewer columns over that with all, at most, for polynomials of one degree
FLOOR = 1e-6  # error that polynomials may always have, in deviations of the target
POOR = 0.25  # error above which polynomials tell nothing
ALIKE = 2.0  # errors of which the simplest is taken
WIDE = {2: 3, 3: 2, 4: 2, 5: 1, 6: 1}  # largest exponent by the number of columns; of more none are put together
FACTORS = (0, 1, -1, 2, -2, 3, -3, 4, -4, 0.5, -0.5, 1.5, -1.5)  # exponents of a factor, where the target changes its sign
NEAR = 0.04  # of a simple exponent
SIMPLE = (1, 2, 3)  # denominators of exponents
SEVERAL = 2  # factors of which the others are the same but for powers of the only column
AGREE = 0.1  # spread of the ratios of two slopes that may be one number, as a share of it
CLOSER = 0.1  # how far from where slopes say it is a factor is looked for, as a share of it

Exponents = tuple[float, ...]
Candidate = tuple[tuple[Tree, ...], list[Exponents], float]
"""Groups, several factors, and how far they are from simple."""


@dataclass(frozen=True)
class Reduction:
    """A target as a factor times an unknown function of few columns.

    Attributes:
        factor: Product of powers of the columns.
        columns: What the unknown function depends on.
        others: Factors that serve as well, as they are the same but for powers of the only column.
    """

    factor: Tree
    columns: tuple[Tree, ...]
    others: tuple[Tree, ...] = ()

    @property
    def is_fitted(self) -> bool:
        """Whether there are constants in it, which polynomials know roughly."""
        return any(tree.constants() for tree in (self.factor, *self.columns))

    def rows(self, rows: Rows) -> Rows:
        """The columns, and what the unknown function is at the rows."""
        factor = self.factor(rows.columns).numpy()
        return Rows([tree(rows.columns) for tree in self.columns], rows.y / factor, rows.weight * factor**2)

    def sides(self) -> list["Reduction"]:
        """Itself, and the same with other factors."""
        return [self, *(Reduction(factor, self.columns) for factor in self.others)]

    def whole(self, tree: Tree) -> Tree:
        """A formula of the unknown function as one of the target."""
        inner = tree.of(self.columns)
        return inner if self.factor == number(1) else self.factor * inner


@dataclass(frozen=True)
class _State:
    groups: tuple[Tree, ...]
    exponents: Exponents  # of the factor
    error: float


def reduction(rows: Rows) -> Reduction | None:
    """What a target may be reduced to: one column less at a time, as long as polynomials tell it no worse.

    If the target has one sign its logarithm is looked at too, to which powers are sums, whose exponents are fitted.

    Args:
        rows: The rows.
    """
    if len(rows) < LEAST:
        return None
    has_one_sign = bool((rows.y > 0).all() or (rows.y < 0).all())
    found = [_reduced(Surface(rows, is_log)) for is_log in ((True, False) if has_one_sign else (False,))]
    return min(filter(None, found), key=lambda r: len(r.columns), default=None)


def _reduced(surface: Surface) -> Reduction | None:
    count = len(surface.columns)
    state = start = _State(tuple(map(variable, range(count))), (0.0,) * count, math.inf)
    while len(state.groups) > 1 and (fewer := _fewer(surface, state)) is not None:
        state = fewer
    if state is start:
        return None
    if not surface.is_log:
        return Reduction(_powers(state.exponents), state.groups)
    first, *others = map(_powers, _simplest(surface, state.groups))
    return Reduction(first, state.groups, tuple(others) if len(state.groups) == 1 else ())


def _fewer(surface: Surface, state: _State) -> _State | None:
    """The simplest state with one group less that is no worse; groups are put together where none can be left out."""
    degree = surface.degree(len(state.groups))
    limit = WORSE * surface.errors(state.groups, [state.exponents], degree)[0] + FLOOR
    if limit > POOR:
        return None
    for candidates in (_without(surface, state), _scaled(surface, state), _summed(surface, state, degree)):
        found: list[tuple[float, _State]] = []
        for groups, factors, price in candidates:
            errors = surface.errors(groups, factors, degree)
            place = int(np.argmin(errors))
            if errors[place] < limit:
                [finer] = surface.errors(groups, [factors[place]], surface.degree(len(groups)))
                found.append((price, _State(groups, factors[place], min(finer, errors[place]))))
        if found:
            least = min(state.error for _, state in found)
            return min((f for f in found if f[1].error <= ALIKE * least + FLOOR), key=lambda f: (f[0], f[1].error))[1]
    return None


def _without(surface: Surface, state: _State) -> Iterator[Candidate]:
    """One group left out, but for powers of it in the factor."""
    for i, group in enumerate(state.groups):
        yield state.groups[:i] + state.groups[i + 1 :], _factors(surface, state, [group]), 0.0


def _scaled(surface: Surface, state: _State) -> Iterator[Candidate]:
    """Groups that stay the same as others grow in proportion: all times a power of one, which is left out."""
    groups = state.groups
    most = WIDE.get(len(groups), 0)
    for scaling in product(range(-most, most + 1), repeat=len(groups)):
        scaled = [i for i, s in enumerate(scaling) if s]
        if len(scaled) < 2 or scaling[scaled[0]] < 0:
            continue
        pivots = [i for i in scaled if abs(scaling[i]) == 1]
        if pivots:
            pivot = max(pivots, key=lambda i: sum(scaling[j] * scaling[i] < 0 for j in scaled))
            powers = [-scaling[j] * scaling[pivot] for j in range(len(groups)) if j != pivot]
            if min(powers) < 0 and not _has_one_sign(surface, groups[pivot]):
                continue
            others = groups[:pivot] + groups[pivot + 1 :]
            made = tuple(g * groups[pivot] ** p if p else g for g, p in zip(others, powers, strict=True))
            yield made, _factors(surface, state, [groups[i] for i in scaled]), float(sum(map(abs, scaling)))


def _summed(surface: Surface, state: _State, degree: int) -> Iterator[Candidate]:
    """Two groups, or their squares, as their sum, of which one may have a factor."""
    if len(state.groups) not in WIDE:
        return
    for one, other in combinations(state.groups, 2):
        rest = tuple(g for g in state.groups if g not in (one, other))
        for sign in (1, -1):
            yield (*rest, one + number(sign) * other), [state.exponents], 1.0
            yield (*rest, one**2 + number(sign) * other**2), [state.exponents], 2.0
        if (factor := _ratio_of_slopes(surface, state, rest, one, other, degree)) is not None:
            yield (*rest, one + constant(factor) * other), [state.exponents], 3.0


def _ratio_of_slopes(
    surface: Surface, state: _State, rest: tuple[Tree, ...], one: Tree, other: Tree, degree: int
) -> float | None:
    """The factor of the second in a sum that the target may depend on alone: where polynomials of the sum tell it best."""
    first, second = surface.slopes(state.groups, degree, (one, other))
    steep = np.abs(first) > np.median(np.abs(first))
    ratios = second[steep] / first[steep]
    factor = float(np.median(ratios))
    if not np.isfinite(factor) or np.median(np.abs(ratios - factor)) > AGREE * abs(factor):
        return None

    def error(share: float) -> float:
        return surface.errors((*rest, one + number(factor * share) * other), [state.exponents], degree)[0]

    minimum = require("scipy.optimize", extra="science").minimize_scalar
    return factor * float(minimum(error, bounds=(1 - CLOSER, 1 + CLOSER), method="bounded", options={"xatol": 1e-7}).x)


def _factors(surface: Surface, state: _State, groups: list[Tree]) -> list[Exponents]:
    """Exponents with those of one column at any that is tried, where they are not fitted."""
    found = [state.exponents]
    if not surface.is_log:
        for i in (int(g.value) for g in groups if g.op == VARIABLE):
            if i in surface.positive:
                found += [(*state.exponents[:i], float(p), *state.exponents[i + 1 :]) for p in FACTORS if p]
    return found


def _has_one_sign(surface: Surface, group: Tree) -> bool:
    values = group(surface.columns)
    return float(values.min()) > 0 or float(values.max()) < 0


def _simplest(surface: Surface, groups: tuple[Tree, ...]) -> list[Exponents]:
    """Exponents of the factor, the simplest and the next: those of one column of each group are 0, whichever."""
    own = [_columns(group) if _has_one_sign(surface, group) else [-1] for group in groups]
    found = {tuple(_near(e) for e in surface.exponents(groups, chosen)) for chosen in product(*own)}
    return sorted(found, key=lambda exponents: sum(abs(e) + 10 * (not _is_simple(e)) for e in exponents))[:SEVERAL]


def _powers(exponents: Exponents) -> Tree:
    factor = number(1)
    for column, exponent in enumerate(exponents):
        if exponent:
            x = variable(column)
            power = x**exponent if _is_simple(exponent) else Tree("^", (x, constant(exponent)))
            factor = power if factor == number(1) else factor * power
    return factor


def _near(value: float) -> float:
    """The nearest simple exponent, if there is one."""
    simple = (round(value * d) / d for d in SIMPLE if abs(round(value * d) / d - value) <= NEAR / d)
    return next(simple, value)


def _is_simple(value: float) -> bool:
    return any(abs(round(value * d) - value * d) < 1e-9 for d in SIMPLE)


def _columns(tree: Tree) -> list[int]:
    return [int(tree.value)] if tree.op == VARIABLE else sorted({c for part in tree.args for c in _columns(part)})
