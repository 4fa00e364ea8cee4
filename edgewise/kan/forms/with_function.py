"""A form with an unknown function: it is solved for the function, which is then looked for on the rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.dimensions import Dimensions
from edgewise.kan.forms.grammar import Grammar
from edgewise.kan.forms.prescribed import Form, UnknownRows, frozen
from edgewise.kan.forms.search import Search
from edgewise.kan.forms.splitting import Splitting
from edgewise.kan.forms.tree import VARIABLE, Tree, variable

if TYPE_CHECKING:
    from sympy import Expr, Symbol

SAME = 1e-6  # differences, in deviations of the target, that rounding makes where a form is solved and put in again


@dataclass(frozen=True)
class WithFunction(Form):
    """A form with an unknown function, such as ``m*a + f(x, v)``.

    Attributes:
        hole: The symbol of the function in ``expression``.
        arguments: What the function is of, formulas of the columns, as ``open``.
        shown: The same for sympy.
        inverses: What its values may be, formulas of the columns and, behind them, of the target.
    """

    hole: "Symbol"
    arguments: tuple[Tree, ...]
    shown: "tuple[Expr, ...]"
    inverses: tuple[Tree, ...]

    def whole(self, tree: Tree) -> Tree:
        inner = tree.of([frozen(argument) for argument in self.arguments])
        return self.tree.of([*map(variable, range(self.columns)), inner])

    def written(self, tree: Tree, symbols: "Sequence[Symbol]") -> "Expr":
        inner = tree.expression(cast("Sequence[Symbol]", self.shown))
        return cast("Expr", self.expression.xreplace({self.hole: inner}))

    def settled(self, rows: Rows) -> "WithFunction":
        able = [inverse for inverse in self.inverses if not self._misses(rows, inverse).any()]
        if not able:
            missed = self._misses(rows, self.inverses[0])
            row = int(missed.argmax())
            raise ConfigError(
                f"{self.text!r} cannot be the target in {int(missed.sum())} rows, such as row {row + 1} where it is "
                f"{rows.y[row]:.6g}, whatever f is there: mend the form, or leave out such rows"
            )
        if len(able) > 1:
            raise ConfigError(
                f"f may have {len(able)} values at a row in {self.text!r}: write the form such that it has one, and leave "
                "to f what is done to it"
            )
        if not self._values(rows, able[0])[1].any():
            raise ConfigError(f"{self.text!r} is the same at these rows whatever f is: mend the form")
        return replace(self, inverses=(able[0],))

    def rows(self, rows: Rows) -> Rows:
        return FunctionRows(self, rows)

    def grammar(self, grammar: Grammar) -> Grammar:
        times, rest = _count(self.tree, self.columns), self.tree.length()
        longest = (grammar.longest - rest) / times + 1
        if longest < 1:
            raise ConfigError(
                f"{self.text} is written with {rest} numbers, variables and operations already: allow more as the longest"
            )
        units = grammar.units and self._units(grammar.units)
        behaviour = grammar.behaviour and grammar.behaviour.through(self.whole)
        return replace(grammar, units=units, longest=longest, behaviour=behaviour)

    def _units(self, units: Dimensions) -> Dimensions:
        """Those of the arguments, and of the function, which follow from what it is solved for."""
        known = Dimensions([*units.columns, units.target], units.target, units.constants)
        found = [known.of(tree) for tree in (*self.arguments, self.inverses[0])]
        parts = [part.powers for part in found if part is not None]
        if len(parts) < len(found):
            raise ConfigError(
                f"{self.text} adds what has different units, or takes a function of what has one: mend the form or the "
                "units, or name units that decimal numbers may carry as constants"
            )
        *arguments, target = parts
        inner = Dimensions(arguments, target, units.constants)
        if not inner.is_within_reach:
            raise ConfigError(
                f"no product of powers of what f is of in {self.text} has the unit that f must have: give f more "
                "arguments, or name units that constants may carry"
            )
        return inner

    def search(self, rows: Rows, grammar: Grammar, left: Callable[[], float]) -> Search:
        return Splitting(rows, grammar, left)

    def told(self, columns: Sequence[Tensor], inner: Tensor) -> Tensor:
        """The target from the values of the function, ``(N,)``."""
        return self.tree([*columns, inner])

    def seen(self, rows: Rows) -> tuple[NDArray, NDArray]:
        """The values of the function at rows, and how fast the target changes with them, ``(N,)`` each.

        Where the target does not depend on the function its value is NaN, and the other 0.
        """
        return self._values(rows, self.inverses[0])

    def _values(self, rows: Rows, inverse: Tree) -> tuple[NDArray, NDArray]:
        with np.errstate(all="ignore"):
            values = frozen(inverse)([*rows.columns, torch.tensor(rows.y)])
        finite = values[values.isfinite()]
        usual = float(finite.median()) if len(finite) else 1.0
        at = torch.where(values.isfinite(), values, usual).requires_grad_()
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(self.told(rows.columns, at).sum(), at, materialize_grads=True)
        says_nothing = (slope == 0) | ~slope.isfinite()
        return torch.where(says_nothing, torch.nan, values).numpy(), slope.masked_fill(says_nothing, 0.0).numpy()

    def _misses(self, rows: Rows, inverse: Tree) -> NDArray:
        """At which rows the form cannot be the target, whatever the function is, ``(N,)``."""
        values, slope = self._values(rows, inverse)
        with np.errstate(all="ignore"):
            off = self.told(rows.columns, torch.tensor(values)).numpy() - rows.y
        return (slope != 0) & ~(np.abs(off) < SAME * rows.spread)


class FunctionRows(UnknownRows[WithFunction]):
    """Rows of an unknown function: its arguments and values; errors are those of the target.

    Args:
        form: What is prescribed.
        rows: Of all columns and the target.
    """

    def __init__(self, form: WithFunction, rows: Rows):
        values, slope = form.seen(rows)
        weight, known = rows.weight * slope**2, np.isfinite(values)
        mean = float(np.average(values[known], weights=weight[known])) if weight[known].any() else 0.0
        arguments = [frozen(argument)(rows.columns) for argument in form.arguments]
        super().__init__(form, rows, arguments, np.where(known, values, mean), weight if weight.any() else None)

    def told(self, tree: Tree, constants: Sequence[Tensor | float] | None = None) -> Tensor:
        return self.form.told(self.outer.columns, tree(self.columns, constants))


def _count(tree: Tree, column: int) -> int:
    """How often a column is written."""
    return (tree.op == VARIABLE and tree.value == column) + sum(_count(part, column) for part in tree.args)
