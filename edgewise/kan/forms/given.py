"""The constants of a form that is given: fitted from many beginnings, in which those that are linear are solved for."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewise._ground.errors import ConfigError, warn
from edgewise.kan.forms.constants import Fitted, Rows
from edgewise.kan.forms.grammar import Grammar
from edgewise.kan.forms.search import Search
from edgewise.kan.forms.tree import SUM, Tree, constant

DRAWN = 4000  # beginnings that are compared on few rows,
BEGUN = 30  # and those from which constants are fitted to all
DECADES = 2.0  # that constants may be from 1, or from the size of a column or its reciprocal
STEPS = 100
ALIKE = 1e-7  # second differences of what is linear, as a share of the values
TRIFLE = 1e-3  # of the criterion
SINGULAR = 1e-9  # ratio of singular values below which rows do not tell constants apart


class Given(Search):
    """A search for nothing but constants; the formulas that it finds are sums of these, which say no more than they are.

    Args:
        rows: To learn from, which know the form.
        grammar: What formulas may be.
        left: How many seconds are left.
        count: How many constants there are.
    """

    def __init__(self, rows: Rows, grammar: Grammar, left: Callable[[], float], count: int):
        super().__init__(rows, grammar, left)
        self.count, self._draw = count, np.random.default_rng(0)

    def run(self) -> None:
        """Fit the constants from the most promising beginnings, until one is exact or the time is up."""
        for values in self._beginnings():
            self.keep(fitted := self.rows.fitted(Tree(SUM, tuple(map(constant, values))), STEPS))
            if fitted.is_exact or (self.found and self.left() <= 0):
                break
        if not self.found and self.grammar.behaviour is not None:
            raise ConfigError("the form does not behave as is known of it with constants that fit: mend it, or know less")
        if not self.found:
            raise ConfigError(
                f"none of {DRAWN} choices of its constants makes the form finite at all rows: mend it, or leave out rows "
                "at which it is not defined"
            )
        tree = self.allowed[0].tree
        slopes = self.rows.slopes(tree, tree.constants())
        sizes = np.linalg.svd(slopes / np.maximum(np.linalg.norm(slopes, axis=0), 1e-300), compute_uv=False)
        if sizes[-1] <= SINGULAR * sizes[0] or len(sizes) < self.count:
            warn(
                "the rows do not tell the constants of the form apart, since others do as well: write one in place of "
                "those that occur only together, or give more rows"
            )

    @property
    def allowed(self) -> list[Fitted]:
        """What was found; of constants that do as well, those first of which few are negative and none is large."""
        best = min((fitted.score for fitted in self.found.values()), default=0.0)

        def order(fitted: Fitted) -> tuple[float, int, float]:
            values = np.array(fitted.tree.constants())
            return max(fitted.score - best, TRIFLE), int((values < 0).sum()), float(np.abs(values).sum())

        return sorted(self.found.values(), key=order)

    def keep(self, fitted: Fitted) -> None:
        """Remember a formula; one that is given may have poles."""
        if math.isfinite(fitted.score) and self.grammar.behaves(fitted.tree):
            self.found[str(fitted.tree)] = fitted

    def simplified(self, rows: Rows, fitted: Fitted, left: Callable[[], float]) -> Fitted:
        """The formula as it is, since it was given."""
        return fitted

    def _beginnings(self) -> Iterator[list[float]]:
        """Constants, those first that leave least over on few rows."""
        drawn = self._drawn()
        with np.errstate(all="ignore"):
            linear = self._linear(drawn)
            values, off = self._solved(drawn[:1] if len(linear) == self.count else drawn, linear)
        for place in np.argsort(off, kind="stable")[:BEGUN]:
            if np.isfinite(off[place]):
                yield values[place].tolist()

    def _drawn(self) -> NDArray:
        """Constants of the sizes that columns suggest, ones first, ``(DRAWN, count)``."""
        sizes = [float(column.abs().median()) for column in self.few.outer.columns]
        scales = np.array([1.0, *(s for size in sizes if size > 0 for s in (size, 1 / size))])
        shape = (DRAWN, self.count)
        drawn = self._draw.choice(scales, shape) * 10 ** self._draw.uniform(-DECADES, DECADES, shape)
        drawn *= self._draw.choice([1.0, 1.0, -1.0], shape)
        drawn[0] = 1.0
        return drawn

    def _linear(self, drawn: NDArray) -> list[int]:
        """Which constants the form is linear in, all at once."""
        some, found = drawn[:BEGUN], []
        for place in range(self.count):
            if all(self._is_flat(some, place, other) for other in [*found, place]):
                found.append(place)
        return found

    def _is_flat(self, drawn: NDArray, one: int, other: int) -> bool:
        """Whether second differences by two constants are nothing where they are defined."""
        moved = [drawn.copy() for _ in range(4)]
        for sample, steps in zip(moved[1:], ((one,), (other,), (one, other)), strict=True):
            for place in steps:
                sample[:, place] += 0.7 * np.abs(drawn[:, place])
        zero, first, second, both = map(self._told, moved)
        size = np.abs(zero) + np.abs(first) + np.abs(second) + np.abs(both)
        off = np.abs(both - first - second + zero)
        known = np.isfinite(off)
        return bool(known.any() and (off[known] <= ALIKE * size[known]).all())

    def _solved(self, drawn: NDArray, linear: list[int]) -> tuple[NDArray, NDArray]:
        """Constants with the linear ones at their best, and the root mean square that they leave over."""
        outer, values = self.few.outer, drawn.copy()
        values[:, linear] = 0.0
        rest = (outer.y - self._told(values)) * outer.unit  # shape: (draws, N)
        if linear:
            parts = []
            for place in linear:
                values[:, place] = 1.0
                parts.append(self._told(values) * outer.unit - (outer.y * outer.unit - rest))
                values[:, place] = 0.0
            values[:, linear], rest = _least_squares(np.stack(parts, 2), rest)
        return values, np.sqrt(np.mean(rest**2, 1))

    def _told(self, drawn: NDArray) -> NDArray:
        """What the form gives at few rows, ``(draws, count) -> (draws, N)``."""
        numbers: list[Tensor | float] = [torch.tensor(part[:, None]) for part in drawn.T]
        tree = Tree(SUM, tuple(map(constant, drawn[0])))
        return self.few.told(tree, numbers).expand(len(drawn), len(self.few)).numpy()


def _least_squares(parts: NDArray, wanted: NDArray) -> tuple[NDArray, NDArray]:
    """Factors of parts, and what they leave over; NaN where parts are not finite."""
    # shape: (draws, N, parts), (draws, N) -> (draws, parts), (draws, N)
    found, rest = np.full((len(parts), parts.shape[2]), np.nan), np.full(wanted.shape, np.nan)
    good = np.isfinite(parts).all((1, 2)) & np.isfinite(wanted).all(1)
    size = np.abs(parts[good]).max(1, keepdims=True).clip(1e-300)
    found[good] = (np.linalg.pinv(parts[good] / size) @ wanted[good][..., None])[..., 0] / size[:, 0]
    rest[good] = wanted[good] - np.einsum("dnl,dl->dn", parts[good], found[good])
    return found, rest
