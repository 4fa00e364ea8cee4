"""Formulas as trees with constants that can be fitted: evaluated by torch, handed to sympy when all is done."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from edgewise._ground.optional import require
from edgewise.kan.functions import FUNCTIONS
from edgewise.kan.interpret.expression import parse_formula

if TYPE_CHECKING:
    from sympy import Expr, Symbol

FITTED, FIXED, VARIABLE, SUM, PRODUCT, POWER = "constant", "number", "variable", "+", "*", "^"


@dataclass(frozen=True)
class Tree:
    """A formula, or a part of one.

    Attributes:
        op: ``"constant"`` for one that is fitted, ``"number"`` for one that is not, ``"variable"``, ``"+"``, ``"*"``,
            ``"^"``, or the name of a function of the library.
        args: What it is done to; of ``"+"`` and ``"*"`` any number.
        value: Of a number; of a variable which column it is.

    Example:
        >>> line = constant(2.0) * variable(0) + constant(1.0)
        >>> line([torch.tensor([1.0, 3.0])]), line.constants()
        (tensor([3., 7.]), [2.0, 1.0])
    """

    op: str
    args: tuple["Tree", ...] = ()
    value: float = 0.0

    def __add__(self, other: "Tree") -> "Tree":
        return Tree(SUM, (*_parts(self, SUM), *_parts(other, SUM)))

    def __mul__(self, other: "Tree") -> "Tree":
        return Tree(PRODUCT, (*_parts(self, PRODUCT), *_parts(other, PRODUCT)))

    def __pow__(self, exponent: float) -> "Tree":
        return self if exponent == 1 else Tree(POWER, (self, number(exponent)))

    def __call__(self, columns: Sequence[Tensor], constants: Sequence[Tensor | float] | None = None) -> Tensor:
        """The values at rows; NaN or infinite where it is not defined.

        Args:
            columns: The rows, column by column, ``(N,)`` each.
            constants: Others than its own, in the order of :meth:`constants`; numbers, or ``(N,)`` each.
        """
        value = self._value(columns, iter(self.constants() if constants is None else constants))
        return value if isinstance(value, Tensor) and value.ndim else columns[0].new_full((len(columns[0]),), float(value))

    def _value(self, columns: Sequence[Tensor], constants: Iterator) -> "Tensor | float":
        if self.op == FITTED:
            return next(constants)
        if self.op == FIXED:
            return self.value
        if self.op == VARIABLE:
            return columns[int(self.value)]
        first, *others = (part._value(columns, constants) for part in self.args)
        if self.op == SUM:
            return sum(others, start=first)
        if self.op == PRODUCT:
            return math.prod(others, start=first)
        if self.op == POWER:
            return torch.as_tensor(first, dtype=torch.double) ** others[0]
        return FUNCTIONS[self.op](torch.as_tensor(first, dtype=torch.double))

    def constants(self) -> list[float]:
        """The constants that are fitted, in the order in which they are written."""
        return [self.value] if self.op == FITTED else [value for part in self.args for value in part.constants()]

    def with_constants(self, values: Sequence[float]) -> "Tree":
        """The same with other constants."""
        return self._filled(iter(values))

    def _filled(self, values: Iterator[float]) -> "Tree":
        if self.op == FITTED:
            return constant(next(values))
        return Tree(self.op, tuple(part._filled(values) for part in self.args)) if self.args else self

    def of(self, columns: "Sequence[Tree]") -> "Tree":
        """The same of formulas in place of columns.

        Args:
            columns: A formula for each column.
        """
        if self.op == VARIABLE:
            return columns[int(self.value)]
        return Tree(self.op, tuple(part.of(columns) for part in self.args), self.value)

    def length(self) -> int:
        """How many numbers, variables and operations it is written with; a sum of three has two operations."""
        if not self.args:
            return 1
        return sum(part.length() for part in self.args) + (len(self.args) - 1 if self.op in (SUM, PRODUCT) else 1)

    def expression(self, symbols: "Sequence[Symbol]") -> "Expr":
        """The same for sympy.

        Args:
            symbols: Of the columns.
        """
        sympy = require("sympy", extra="science")
        if self.op == VARIABLE:
            return symbols[int(self.value)]
        if self.op in (FITTED, FIXED):
            whole = self.value == int(self.value) and abs(self.value) < 2**53  # beyond, every float is whole
            return sympy.Integer(int(self.value)) if whole else sympy.Float(self.value, 17)
        parts = [part.expression(symbols) for part in self.args]
        if self.op in (SUM, PRODUCT):
            return (sympy.Add if self.op == SUM else sympy.Mul)(*parts)
        if self.op == POWER:
            return sympy.Pow(*parts)
        if self.op == "exp" and (base := _base(self.args[0])) is not None:
            exponent = math.prod(
                (p.expression(symbols) for p in self.args[0].args if p is not base), start=sympy.Integer(1)
            )
            return sympy.Pow(base.args[0].expression(symbols), exponent)  # exp(y log x) is x^y
        hole, shape = _shape(self.op)
        return cast("Expr", shape.xreplace({hole: parts[0]}))


def tree_of(expression: "Expr", symbols: "Sequence[Symbol]") -> Tree | None:
    """A formula of sympy's as a tree, whose decimal numbers are fitted; None if it has a function that the library lacks.

    Args:
        expression: It.
        symbols: Of the columns.

    Example:
        >>> import sympy
        >>> x = sympy.Symbol("x", real=True)
        >>> tree_of(2.5 * sympy.sin(x) + 1, [x]).constants()
        [2.5]
    """
    places = {symbol: column for column, symbol in enumerate(symbols)}
    if expression in places:
        return variable(places[cast("Symbol", expression)])
    if expression.is_number:
        return constant(float(expression)) if expression.is_Float else number(float(expression))
    parts = [tree_of(cast("Expr", part), symbols) for part in expression.args]
    if any(part is None for part in parts):
        return None
    op = SUM if expression.is_Add else PRODUCT if expression.is_Mul else POWER if expression.is_Pow else None
    op = op or next((name for name in FUNCTIONS if _shape(name)[1].func == expression.func), None)
    return None if op is None else Tree(op, tuple(part for part in parts if part is not None))


def has_pole(tree: Tree, columns: Sequence[Tensor]) -> bool:
    """Whether what is divided by changes its sign from row to row, other than a column itself."""
    if tree.op == POWER and tree.args[0].op != VARIABLE and tree.args[1].op in (FITTED, FIXED) and tree.args[1].value < 0:
        base = tree.args[0](columns)
        if bool(base.min() < 0 < base.max()):
            return True
    return any(has_pole(part, columns) for part in tree.args)


def constant(value: float) -> Tree:
    """A number that is fitted."""
    return Tree(FITTED, value=float(value))


def number(value: float) -> Tree:
    """A number that stays."""
    return Tree(FIXED, value=float(value))


def variable(column: int) -> Tree:
    """What a column of the rows holds."""
    return Tree(VARIABLE, value=column)


def _parts(tree: Tree, op: str) -> tuple[Tree, ...]:
    return tree.args if tree.op == op else (tree,)


def _base(exponent: Tree) -> Tree | None:
    """The logarithm that is a factor of an exponent."""
    return next((part for part in exponent.args if part.op == "log"), None) if exponent.op == PRODUCT else None


@cache
def _shape(name: str) -> tuple["Symbol", "Expr"]:
    """A function of the library as sympy writes it, and the symbol in it that stands for its argument."""
    hole = require("sympy", extra="science").Dummy("x", real=True)
    return hole, parse_formula(FUNCTIONS[name].formula, [hole]) if name != "x" else hole
