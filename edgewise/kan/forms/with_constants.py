"""A form with unknown constants, which are fitted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.given import Given
from edgewise.kan.forms.grammar import Grammar
from edgewise.kan.forms.prescribed import Form, UnknownRows
from edgewise.kan.forms.search import Search
from edgewise.kan.forms.tree import Tree, constant, number, variable

if TYPE_CHECKING:
    from sympy import Expr, Symbol


@dataclass(frozen=True)
class WithConstants(Form):
    """A form with unknown constants, such as ``V*s/(K + s)``; a formula of what is unknown is the sum of them all.

    Attributes:
        constants: Their symbols in ``expression``, which bear their names.
    """

    constants: "tuple[Symbol, ...]"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(symbol.name for symbol in self.constants)

    def whole(self, tree: Tree) -> Tree:
        return self.tree.of([*map(variable, range(self.columns)), *map(number, tree.constants())])

    def written(self, tree: Tree, symbols: "Sequence[Symbol]") -> "Expr":
        values = [part.expression(symbols) for part in tree.args]
        return cast("Expr", self.expression.xreplace(dict(zip(self.constants, values, strict=True))))

    def rows(self, rows: Rows) -> Rows:
        return ConstantRows(self, rows)

    def grammar(self, grammar: Grammar) -> Grammar:
        if self.tree.length() > grammar.longest:
            raise ConfigError(
                f"{self.text} is written with {self.tree.length()} numbers, variables and operations: allow more as the "
                "longest"
            )
        units, fitted, columns = grammar.units, constant(1.0), map(variable, range(self.columns))
        if units is not None and not units.fits(self.open.of([*columns, *[fitted] * len(self.names)])):
            raise ConfigError(
                f"{self.text} does not have the unit of the target, or adds what has different ones: mend the form or the "
                "units, or name units that constants may carry"
            )
        return Grammar(grammar.functions, behaviour=grammar.behaviour and grammar.behaviour.through(self.whole))

    def search(self, rows: Rows, grammar: Grammar, left: Callable[[], float]) -> Search:
        return Given(rows, grammar, left, len(self.names))


class ConstantRows(UnknownRows[WithConstants]):
    """Rows of unknown constants.

    Args:
        form: What is prescribed.
        rows: Of all columns and the target.
    """

    def __init__(self, form: WithConstants, rows: Rows):
        super().__init__(form, rows, rows.columns, rows.y, rows.weight)

    def told(self, tree: Tree, constants: Sequence[Tensor | float] | None = None) -> Tensor:
        values = tree.constants() if constants is None else constants
        numbers = [torch.as_tensor(value, dtype=torch.double) for value in values]
        return self.form.tree([*self.outer.columns, *numbers])
