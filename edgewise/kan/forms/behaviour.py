"""How a formula is known to behave: it rises or falls with a column, or is even or odd in one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.tree import Tree

WIDER = 0.2  # by so much of its width the range of a column grows, in all, where a formula is looked at,
POINTS = 400  # at so many places
ROWS = 200  # and so many rows
SLACK = 1e-9  # what rounding may do to slopes, in deviations of the values over a column's range,
PARITY = 1e-6  # and to values of the other sign, in deviations of the values
MOST = 4  # columns in which a formula may be known to be even or odd: each doubles the rows
WAYS = {1: "rise", -1: "fall"}
KINDS = {1: "even", -1: "odd"}


@dataclass(frozen=True)
class Behaviour:
    """What a formula does along some columns.

    Attributes:
        names: Of all columns.
        slopes: Columns with which it rises (1) or falls (-1).
        parity: Columns in which it is even (1) or odd (-1).
        points: Places where it is looked at, column by column.
        whole: What makes formulas of the target of those that are asked about.
    """

    names: tuple[str, ...]
    slopes: Mapping[int, int]
    parity: Mapping[int, int]
    points: Sequence[Tensor]
    whole: Callable[[Tree], Tree] = field(default=lambda tree: tree)

    @classmethod
    def of(
        cls, names: Sequence[str], slopes: Mapping[int, int], parity: Mapping[int, int], columns: Sequence[Tensor]
    ) -> "Behaviour":
        """A behaviour that is looked at in a box 20 % wider than rows; ranges of one sign keep to it.

        Args:
            names: Of all columns.
            slopes: As the attribute.
            parity: As the attribute.
            columns: The rows, column by column.

        Raises:
            ConfigError: A formula would not depend on a column at all, or too many are even or odd.
        """
        if len(parity) > MOST:
            raise ConfigError(f"a formula may be known to be even or odd in up to {MOST} columns, got {len(parity)}")
        for place in slopes.keys() & {place for place, sign in parity.items() if sign > 0}:
            if float(columns[place].min()) < 0 < float(columns[place].max()):
                raise ConfigError(
                    f"what is even in {names[place]} does not {WAYS[slopes[place]]} with it on both sides of 0: know one "
                    "of the two"
                )
        draw = torch.Generator().manual_seed(0)
        points = []
        for column in columns:
            low, high = float(column.min()), float(column.max())
            reach = WIDER / 2 * (high - low)
            first = low - reach if not 0 <= low <= reach else low / 2
            last = high + reach if not -reach <= high <= 0 else high / 2
            share = torch.rand(POINTS, dtype=torch.double, generator=draw)
            points.append(torch.cat([column.double()[:ROWS], first + share * (last - first)]))
        return cls(tuple(names), dict(slopes), dict(parity), points)

    def through(self, whole: Callable[[Tree], Tree]) -> "Behaviour":
        """The same of formulas of what is unknown in a form."""
        return replace(self, whole=whole)

    def broken(self, tree: Tree) -> str:
        """What a formula does that it must not, in words; empty if nothing."""
        formula = self.whole(tree)
        for place, sign in self.parity.items():
            if not self._has_parity(formula, place, sign):
                return f"is not {KINDS[sign]} in {self.names[place]}"
        for place, slope in self._slopes(formula):
            if not slope:
                return f"does not {WAYS[self.slopes[place]]} with {self.names[place]} everywhere"
        return ""

    def _has_parity(self, formula: Tree, place: int, sign: int) -> bool:
        mirrored = [-column if i == place else column for i, column in enumerate(self.points)]
        with np.errstate(all="ignore"):
            here, there = formula(self.points), sign * formula(mirrored)
        known = here.isfinite() & there.isfinite()
        size = float(here[known].abs().max()) if known.any() else 1.0
        return (
            bool(known.any())
            and bool((here.isfinite() == there.isfinite()).all())
            and bool(((here - there)[known].abs() <= PARITY * size).all())
        )

    def _slopes(self, formula: Tree) -> list[tuple[int, bool]]:
        """For each column with which a formula rises or falls, whether it does."""
        if not self.slopes:
            return []
        points = [column.clone().requires_grad_(i in self.slopes) for i, column in enumerate(self.points)]
        with torch.enable_grad():
            values = formula(points)
            wanted = [points[place] for place in self.slopes]
            if not values.requires_grad:
                return [(place, True) for place in self.slopes]
            total = values[values.isfinite()].sum()
            found = torch.autograd.grad(total, wanted, allow_unused=True, materialize_grads=True)
        finite = values.detach().isfinite()
        spread = float(values.detach()[finite].std()) if int(finite.sum()) > 1 else 1.0
        made = []
        for place, slope in zip(self.slopes, found, strict=True):
            reach = float(self.points[place].max() - self.points[place].min())
            known = finite & slope.isfinite()
            made.append((place, bool((self.slopes[place] * slope[known] * reach >= -SLACK * spread).all())))
        return made


class Mirrored(Rows):
    """Rows, and what is known of rows with the other sign in some columns: they count as no more than the rows.

    Sums of products that are fitted to them leave out by themselves what is not even, or not odd.

    Args:
        rows: The rows.
        parity: Columns in which the target is even (1) or odd (-1).
    """

    def __init__(self, rows: Rows, parity: Mapping[int, int]):
        self.rows, self.parity = rows, parity
        columns, targets = [], []
        for flips in product((1, -1), repeat=len(parity)):
            flip = dict(zip(parity, flips, strict=True))
            columns.append([flip.get(i, 1) * column for i, column in enumerate(rows.columns)])
            odd = [sign for place, sign in parity.items() if flip[place] < 0]
            targets.append(int(np.prod(odd)) * rows.y)
        every = [torch.cat(parts) for parts in zip(*columns, strict=True)]
        super().__init__(every, np.concatenate(targets), np.tile(rows.weight, len(targets)))
        self.spread = rows.spread
        self.unit = self.weight**0.5 / self.spread

    def __len__(self) -> int:
        return len(self.rows)

    def some(self, kept: NDArray) -> Rows:
        return Mirrored(self.rows.some(kept), self.parity)
