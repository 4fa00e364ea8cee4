"""Forms as people write them: ``m*a + f(x, v)``, with an unknown function, or ``V*s/(K + s)``, with unknown constants."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise._ground.registry import unknown
from edgewise.kan.forms.prescribed import Form, frozen
from edgewise.kan.forms.tree import Tree, tree_of
from edgewise.kan.forms.with_constants import WithConstants
from edgewise.kan.forms.with_function import WithFunction
from edgewise.kan.interpret.expression import parse_formula
from edgewise.kan.interpret.names import shorter

if TYPE_CHECKING:
    from sympy import Expr, Symbol

UNKNOWNS = ("f", "g", "h")  # names of functions that are not known


def parse_form(text: str, names: Sequence[str] = ()) -> "Expr":
    """A form for sympy.

    Args:
        text: The right side of the formula; ``f(...)`` stands for an unknown function of its arguments.
        names: Of the columns; others are unknown constants.

    Raises:
        ConfigError: It is none.

    Example:
        >>> parse_form("m*a + f(x, v)")
        a*m + f(x, v)
    """
    if isinstance(text, str) and "=" in text:
        raise ConfigError(f"a form is what stands behind the equals sign, such as 'm*a + f(x, v)', got {text!r}")
    try:
        return parse_formula(text, names, UNKNOWNS)
    except ConfigError:
        others = names_of(parse_formula(text, None, UNKNOWNS))
        return parse_formula(text, [*names, *others], UNKNOWNS)


def names_of(expression: "Expr") -> list[str]:
    """Names of all variables of an expression."""
    return sorted(str(symbol) for symbol in expression.free_symbols)


def read_form(text: str, names: Sequence[str]) -> Form:
    """A form about columns.

    Args:
        text: As for :func:`parse_form`.
        names: Of all columns; ``S`` will do for ``S [mM]``.

    Raises:
        ConfigError: It has nothing unknown, or too much, or cannot be solved for what is.

    Example:
        >>> read_form("V*s/(K + s)", ["s"]).names
        ('K', 'V')
    """
    sympy = require("sympy", extra="science")
    long = {sympy.Symbol(one, real=True): sympy.Symbol(name, real=True) for one, name in shorter(names).items()}
    expression = cast("Expr", parse_form(text, names).xreplace(long))
    columns = [sympy.Symbol(name, real=True) for name in names]
    if not expression.free_symbols & {*columns}:
        raise ConfigError(f"{text!r} is of no column: write them as they are called, {', '.join(names)}")
    calls = sorted(expression.atoms(sympy.core.function.AppliedUndef), key=str)
    others = tuple(sympy.Symbol(name, real=True) for name in names_of(expression) if name not in names)
    if not calls and not others:
        raise ConfigError(
            f"{text!r} has nothing unknown: write f(...) for an unknown function, or names other than those of the columns "
            f"({', '.join(names)}) for unknown constants"
        )
    if not calls:
        tree, parts = _tree(text, expression, [*columns, *others]), _with_symbols(expression)
        return WithConstants(text, frozen(tree), tree, *parts, len(columns), others)
    if others:
        raise unknown("column", others[0].name, names)
    if len(calls) > 1:
        raise ConfigError(
            f"{text!r} has several unknown functions, {' and '.join(map(str, calls))}: one can be found from the rows, of "
            "any number of arguments"
        )
    return _with_function(text, expression, columns, calls[0])


def _with_function(text: str, expression: "Expr", columns: "list[Symbol]", call: "Expr") -> WithFunction:
    sympy = require("sympy", extra="science")
    hole = sympy.Dummy("f", real=True)
    if not call.args or not all(argument.free_symbols for argument in call.args):
        raise ConfigError(f"{call} in {text!r} is of no column: name those that the unknown function depends on")
    arguments = tuple(_tree(text, cast("Expr", argument), columns) for argument in call.args)
    shown, numbers = _with_symbols(expression)
    [place] = shown.atoms(sympy.core.function.AppliedUndef)
    whole, written = (cast("Expr", e.xreplace({one: hole})) for e, one in ((expression, call), (shown, place)))
    tree = _tree(text, whole, [*columns, hole])
    inverses = _solutions(whole, hole, columns)
    if not inverses:
        raise ConfigError(f"{text!r} cannot be solved for {call}: write it such that {call} is found from the target")
    parts = (text, frozen(tree), tree, written, numbers, len(columns))
    return WithFunction(*parts, hole, arguments, tuple(place.args), tuple(inverses))


def _solutions(whole: "Expr", hole: "Symbol", columns: "list[Symbol]") -> list[Tree]:
    """What the unknown function can be, of the columns and the target behind them."""
    sympy = require("sympy", extra="science")
    target = sympy.Dummy("target", real=True)
    try:
        found = sympy.solve(whole - target, hole)
    except NotImplementedError:
        found = []
    trees = [tree_of(solution, [*columns, target]) for solution in found]
    return [tree for tree in trees if tree is not None]


def _tree(text: str, expression: "Expr", symbols: "list[Symbol]") -> Tree:
    tree = tree_of(expression, symbols)
    if tree is None:
        raise ConfigError(
            f"{text!r} has a function that networks have not: use those of the library, or register_function yours"
        )
    return tree


def _with_symbols(expression: "Expr") -> "tuple[Expr, dict[Symbol, Expr]]":
    """The same with a symbol for each decimal number, so that none is rounded, and the numbers as they will be written."""
    sympy = require("sympy", extra="science")
    numbers = {}
    for number in sorted(expression.atoms(sympy.Float)):
        digits = len(Decimal(repr(float(number))).normalize().as_tuple().digits)
        numbers[sympy.Dummy("number", real=True)] = sympy.Float(repr(float(number)), digits)
    back = dict(zip(sorted(expression.atoms(sympy.Float)), numbers, strict=True))
    return cast("Expr", expression.xreplace(back)), numbers
