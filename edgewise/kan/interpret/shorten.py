"""Expressions written shorter."""

import math
from typing import TYPE_CHECKING, Any

from edgewise._ground.optional import require

if TYPE_CHECKING:
    from sympy import Expr

SIMPLIFIED = 60  # operations, up to which sympy is asked to simplify
MOST_TERMS = 40  # that writing out products and powers may give, before any cancel


def simplified(expression: "Expr") -> "Expr":
    """As sympy writes it shortest, where that does not take long.

    Example:
        >>> import sympy
        >>> x, y = sympy.symbols("x y", real=True)
        >>> simplified((x + y) ** 2 - x**2 - y**2)
        2*x*y
    """
    sympy = require("sympy", extra="science")
    candidates = [expression]
    if sympy.count_ops(expression) <= SIMPLIFIED:
        candidates.append(sympy.powsimp(expression))
        candidates.append(expanded(expression))
    return min(candidates, key=length)


def length(expression: "Expr") -> tuple[int, int]:
    """Operations, and letters."""
    return require("sympy", extra="science").count_ops(expression), len(str(expression))


def expanded(expression: "Expr") -> "Expr":
    """With products and powers written out, where that is short."""
    sympy = require("sympy", extra="science")
    short = sympy.count_ops(expression) <= SIMPLIFIED and _written_out(expression) <= MOST_TERMS
    return sympy.expand(expression, power_exp=False) if short else expression


def _written_out(expression: Any) -> int:
    """How many terms, at most, an expression and those inside it have when products and powers are written out."""
    inner = [_written_out(argument) for argument in expression.args]
    if expression.is_Add:
        return sum(inner)
    if expression.is_Mul:
        return math.prod(inner)
    if expression.is_Pow and expression.exp.is_Integer:
        return math.comb(inner[0] + abs(int(expression.exp)) - 1, inner[0] - 1)
    return 1 if max(inner, default=1) <= MOST_TERMS else max(inner)
