"""How well polynomials of a few columns tell a target: fitted to some rows, compared on the others."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.tree import Tree

LOOKED_AT = 500  # rows, at most
TRAINED = 0.7  # of them polynomials are fitted to
ROWS_A_TERM = 5
HIGHEST = 12  # degree
LARGE, HUGE = 4.0, 300.0  # ratios of the largest to the smallest value, between which a column's logarithm is looked at
ROOT = 1 / 3  # power of a column that spans more
FEW = 2  # columns, of which reciprocals are looked at too
STEP = 1e-3  # of slopes, in deviations of a column


class Surface:
    """Polynomials for a target, or for its logarithm plus those of columns.

    Args:
        rows: The rows.
        is_log: Whether the logarithm is told; the target must have one sign then.

    Attributes:
        columns: Of the rows that are looked at, ``(N,)`` each.
        positive: Numbers of the columns that have logarithms.
    """

    def __init__(self, rows: Rows, is_log: bool = False):
        order = np.random.default_rng(0).permutation(len(rows.y))[:LOOKED_AT]
        self.columns, y = [column[order] for column in rows.columns], rows.y[order]
        self.positive = [i for i, column in enumerate(self.columns) if float(column.min()) > 0]
        self.is_log, self.target = is_log, np.log(np.abs(y)) if is_log else y
        self.spread = float(self.target.std()) or 1.0
        self.trained = int(TRAINED * len(order))
        self.logs = np.array([np.log(self.columns[i].numpy()) for i in self.positive]).reshape(-1, len(order)).T

    def degree(self, count: int) -> int:
        """The degree of polynomials in so many columns that the rows are enough for."""
        terms = self.trained / ROWS_A_TERM
        return max(d for d in range(1, HIGHEST + 1) if d == 1 or math.comb(count + d, d) <= terms)

    def errors(self, groups: Sequence[Tree], factors: Sequence[Sequence[float]], degree: int) -> list[float]:
        """Of polynomials of the groups times each of several products of powers, in deviations of what is told.

        Groups that span much are looked at as they are, as their logarithms, and as roots of what they or their
        reciprocals are; the least error counts.

        Args:
            groups: Functions of the columns.
            factors: Exponents of the columns.
            degree: Of the polynomials.
        """
        with np.errstate(all="ignore"):
            scale = np.stack([self._product(exponents) for exponents in factors], 1)
            wanted = self.target[:, None] / scale
        if not (np.isfinite(wanted).all() and np.isfinite(scale).all()):
            return [math.inf] * len(factors)
        ways = ((LARGE, ROOT), (math.inf, ROOT), (LARGE, -ROOT))[: None if len(groups) <= FEW else 2]
        several = [self._left(groups, wanted, scale, degree, *way) for way in ways]
        return np.min(several, 0).tolist()

    def _left(
        self, groups: Sequence[Tree], wanted: NDArray, scale: NDArray, degree: int, large: float, root: float
    ) -> NDArray:
        parts, n = self.polynomials(groups, degree, large=large, root=root), self.trained
        if self.is_log:
            parts = np.column_stack([parts, self.logs])
        if not np.isfinite(parts).all():
            return np.full(wanted.shape[1], math.inf)
        found = np.linalg.lstsq(parts[:n], wanted[:n], rcond=1e-10)[0]
        left = (parts[n:] @ found - wanted[n:]) * scale[n:]
        errors = np.sqrt(np.mean(left**2, 0)) / self.spread
        return np.where(np.isfinite(errors), errors, math.inf)

    def exponents(self, groups: Sequence[Tree], own: Sequence[int]) -> list[float]:
        """Of powers of columns that a polynomial of the groups is multiplied by; 0 for columns that are the groups' own."""
        polynomials = self.polynomials(groups, self.degree(len(groups)))
        free = [place for place, i in enumerate(self.positive) if i not in own]
        parts = np.column_stack([polynomials, self.logs[:, free]])
        fitted = np.linalg.lstsq(parts, self.target, rcond=1e-12)[0][polynomials.shape[1] :]
        found = dict(zip([self.positive[place] for place in free], fitted.tolist(), strict=True))
        return [found.get(i, 0.0) for i in range(len(self.columns))]

    def slopes(self, groups: Sequence[Tree], degree: int, by: Sequence[Tree]) -> list[NDArray]:
        """Of what polynomials of the groups tell, by some of the groups, ``(N,)`` each."""
        found = np.linalg.lstsq(self.polynomials(groups, degree), self.target, rcond=1e-10)[0]
        made = []
        for place in map(list(groups).index, by):
            step = STEP * float(groups[place](self.columns).std())
            after, before = (self.polynomials(groups, degree, {place: s}) for s in (step, -step))
            made.append((after - before) @ found / (2 * step))
        return made

    def polynomials(
        self,
        groups: Sequence[Tree],
        degree: int,
        moved: Mapping[int, float] | None = None,
        large: float = LARGE,
        root: float = ROOT,
    ) -> NDArray:
        """Products of Chebyshev polynomials, of some groups elsewhere than at the rows, ``(N, terms)``."""
        values = [group(self.columns).numpy() for group in groups]
        shifts = [(moved or {}).get(place, 0.0) for place in range(len(groups))]
        parts = np.stack([_chebyshev(v, v + s, degree, large, root) for v, s in zip(values, shifts, strict=True)])
        terms = _terms(len(groups), degree)
        return np.prod([parts[i, terms[:, i]] for i in range(len(groups))], 0).T

    def _product(self, exponents: Sequence[float]) -> NDArray:
        found = np.ones(len(self.target))
        for column, exponent in zip(self.columns, exponents, strict=True):
            found = found * column.numpy() ** exponent if exponent else found
        return found


def _chebyshev(values: NDArray, at: NDArray, degree: int, large: float, root: float) -> NDArray:
    """Of a column brought to -1 to 1, at places, ``(degree + 1, N)``."""
    if values.min() > 0 and values.max() > large * values.min():
        is_huge, floor = values.max() > HUGE * values.min(), values.min() / 2
        values, at = (v**root if is_huge else np.log(v) for v in (values, at.clip(floor)))
    middle, half = (values.max() + values.min()) / 2, (values.max() - values.min()) / 2 or 1.0
    return np.polynomial.chebyshev.chebvander((at - middle) / half, degree).T


@cache
def _terms(count: int, degree: int) -> NDArray:
    """Degrees in each of so many columns, ``(terms, count)``."""
    chosen = [c for d in range(degree + 1) for c in combinations_with_replacement(range(count), d)]
    return np.array([[c.count(i) for i in range(count)] for c in chosen]).reshape(len(chosen), count)
