"""The search, with what a target may be reduced to looked for by itself."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from edgewise.kan.forms.constants import Fitted, Rows
from edgewise.kan.forms.grammar import Grammar
from edgewise.kan.forms.reduction import Reduction
from edgewise.kan.forms.reduction import reduction as reduction_of
from edgewise.kan.forms.search import Search
from edgewise.kan.forms.shapes import Found, Shape
from edgewise.kan.forms.targets import Target
from edgewise.kan.forms.tree import Tree

BEFORE = 2  # shapes that are looked among before the target is reduced
SHARE = 0.65  # of the time that is left, for what it is reduced to
OFFERED = 10  # formulas of that
NEARLY = 0.05  # error from which formulas are fitted as a whole


class Inner(Search):
    """A search for what is left when a factor is taken away, and fewer columns told.

    Args:
        reduction: The factor and the columns.
        rows: Of all columns.
        grammar: What formulas may be.
        left: How many seconds are left.
    """

    def __init__(self, reduction: Reduction, rows: Rows, grammar: Grammar, left: Callable[[], float]):
        super().__init__(reduction.rows(rows), grammar, left)
        self.reduction, self.whole_rows, self.whole, self._least = reduction, rows, [], math.inf

    @property
    def is_exact(self) -> bool:
        """Whether a formula leaves nothing over, or would not, were the constants in factor and columns fitted with it."""
        return super().is_exact or any(fitted.is_exact for fitted in self.whole)

    def keep(self, fitted: Fitted) -> None:
        """Remember a formula; the best so far is fitted as a whole, if factor or columns have constants."""
        super().keep(fitted)
        if fitted.score < self._least and fitted.error < NEARLY and self.reduction.is_fitted:
            self._least = fitted.score
            self.whole.append(self.whole_rows.fitted(self.reduction.whole(fitted.tree)))

    def trees(self) -> Iterator[Tree]:
        """The best formulas, as such of the target."""
        yield from (fitted.tree for fitted in sorted(self.whole, key=lambda f: f.score)[:OFFERED])
        yield from (self.reduction.whole(fitted.tree) for fitted in self.allowed[:OFFERED])


@dataclass(frozen=True)
class Reduced(Shape):
    """A known factor times formulas of fewer columns, found by a search of their own."""

    reduction: Reduction
    rows: Rows
    grammar: Grammar

    def trees(self, target: Target, left: Callable[[], float]) -> Found:
        several = self.reduction.sides()
        for place, reduction in enumerate(several):
            stop = left() * (1 - SHARE / (len(several) - place))
            until = (lambda stop=stop: left() - stop) if math.isfinite(stop) else left
            search = Inner(reduction, self.rows, self.grammar, until)
            search.run()
            yield from ((1, tree) for tree in search.trees())
            if search.is_exact:
                return


class Splitting(Search):
    """A search that looks, after the simplest formulas, whether the target is told by fewer columns than it has."""

    def _turns(self) -> Iterator[tuple[Shape, Sequence[Target]]]:
        for place, turn in enumerate(super()._turns()):
            if place == BEFORE and (found := reduction_of(self.rows)) is not None:
                [itself] = [target for target in turn[1] if target.name == "itself"]
                yield Reduced("reduced", 1, 1, found, self.rows, Grammar(self.grammar.functions)), [itself]
            yield turn
