"""Forms that are prescribed for a formula: what in them is unknown is looked for, and the rest stays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from numpy.typing import NDArray
from torch import Tensor

from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.grammar import Grammar
from edgewise.kan.forms.search import Search
from edgewise.kan.forms.tree import FITTED, Tree, number

if TYPE_CHECKING:
    from sympy import Expr, Symbol


@dataclass(frozen=True)
class Form:
    """A formula of the target in which something is unknown.

    Attributes:
        text: As it was written.
        tree: Of the columns and, behind them, of what is unknown.
        open: The same, with decimal numbers as constants that are fitted, which says that they may carry units.
        expression: The same for sympy, with a symbol for each decimal number.
        numbers: These symbols and numbers.
        columns: How many columns there are.
    """

    text: str
    tree: Tree
    open: Tree
    expression: "Expr"
    numbers: "dict[Symbol, Expr]"
    columns: int

    @property
    def names(self) -> tuple[str, ...]:
        """Of constants that are fitted, if that is what is unknown."""
        return ()

    def whole(self, tree: Tree) -> Tree:
        """The formula of the target, of its columns, from one of what is unknown."""
        raise NotImplementedError

    def written(self, tree: Tree, symbols: "Sequence[Symbol]") -> "Expr":
        """The same for sympy, with symbols for prescribed numbers."""
        raise NotImplementedError

    def settled(self, rows: Rows) -> "Form":
        """The form after a look at all rows, of which it must be able to tell the target.

        Raises:
            ConfigError: It cannot, or what is unknown does not follow from the target.
        """
        return self

    def rows(self, rows: Rows) -> Rows:
        """Rows of what is unknown, from those of all columns and the target."""
        raise NotImplementedError

    def grammar(self, grammar: Grammar) -> Grammar:
        """What may be offered for what is unknown, from what may be for the target."""
        raise NotImplementedError

    def search(self, rows: Rows, grammar: Grammar, left: Callable[[], float]) -> Search:
        """A search for what is unknown; arguments as those of :class:`Search`."""
        raise NotImplementedError


F = TypeVar("F", bound=Form)


class UnknownRows(Rows, Generic[F]):
    """Rows of what is unknown in a form; errors are those of the target.

    Args:
        form: What is prescribed.
        rows: Of all columns and the target.
        columns: What the unknown is of, ``(N,)`` each.
        y: Its values, ``(N,)``.
        weight: Of the rows, ``(N,)``.
    """

    def __init__(self, form: F, rows: Rows, columns: Sequence[Tensor], y: NDArray, weight: NDArray | None):
        self.form, self._outer = form, rows
        super().__init__(columns, y, weight)

    @property
    def outer(self) -> Rows:
        return self._outer

    def __len__(self) -> int:
        return len(self.outer)

    def some(self, kept: NDArray) -> Rows:
        return self.form.rows(self.outer.some(kept))

    def whole(self, tree: Tree) -> Tree:
        return self.form.whole(tree)


def frozen(tree: Tree) -> Tree:
    """A formula whose constants stay as they are."""
    if tree.op == FITTED:
        return number(tree.value)
    return replace(tree, args=tuple(map(frozen, tree.args))) if tree.args else tree
