"""Numbers in formulas: those that are nearly whole, a fraction or a multiple of pi, and how many digits the rest needs."""

import math
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from edgewise._ground.optional import require

if TYPE_CHECKING:
    from sympy import Expr

LARGEST_DENOMINATOR = 12
BITS = 53  # of float64
DIGITS = (2, 3, 4, 5, 6, 8, 10, 12, 15, 17)


def rounded(expression: "Expr", digits: int, least: float | None = None) -> "Expr":
    """The expression with its decimal numbers rounded to so many digits, written as fractions or by pi where they are such.

    Args:
        expression: A sympy expression.
        digits: Significant digits; a number is a fraction of small denominator, or such a multiple of pi, if that is what
            it is to as many digits.
        least: Smaller numbers become 0; None: those that so many digits after the point leave nothing of.

    Example:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> rounded(3.14159265 * x + 0.33333333 + 0.1234567 * x**2, 4)
        0.1235*x**2 + pi*x + 1/3
    """
    sympy = require("sympy", extra="science")
    numbers = {number: nice(float(number), digits, least) for number in expression.atoms(sympy.Float)}
    return cast("Expr", expression.xreplace(numbers))


def as_written(expression: "Expr") -> "Expr":
    """The expression with each number as its digits say: sympy keeps what has few digits in few bits.

    Example:
        >>> import sympy
        >>> number = sympy.Float("0.1", 2)
        >>> float(number), float(as_written(number))
        (0.0999755859375, 0.1)
    """
    sympy = require("sympy", extra="science")
    short = [number for number in expression.atoms(sympy.Float) if number._prec < BITS]
    return cast("Expr", expression.xreplace({number: sympy.Float(str(number)) for number in short}))


def has_small(expression: "Expr", digits: int) -> bool:
    """Whether rounding to so many digits makes a number of it 0.

    Example:
        >>> import sympy
        >>> has_small(1.38e-23 * sympy.Symbol("T"), 4), has_small(1.38 * sympy.Symbol("T"), 4)
        (True, False)
    """
    sympy = require("sympy", extra="science")
    return any(abs(number) < 0.5 * 10.0**-digits for number in expression.atoms(sympy.Float))


def nice(value: float, digits: int, least: float | None = None) -> "Expr":
    """A number as sympy would write it after rounding; see :func:`rounded`.

    Example:
        >>> nice(-0.5000001, 4), nice(2 * math.pi / 3, 6), nice(1e-12, 4), nice(0.123456, 3)
        (-1/2, 2*pi/3, 0, 0.123)
        >>> nice(1.380649e-23, 4, least=0), nice(6.02214076e23, 3)
        (1.381e-23, 6.02e+23)
    """
    sympy = require("sympy", extra="science")
    close = 0.5 * 10.0**-digits
    if abs(value) < (close if least is None else least):
        return sympy.Integer(0)
    if not math.isfinite(value):
        return sympy.Float(value)
    if abs(value) >= 2**BITS:  # where every float is whole
        return _decimal(value, digits)
    largest = max(2, min(LARGEST_DENOMINATOR, int(0.2 * 10 ** (digits / 2))))  # one number in a hundred is near one
    for unit, sign in ((1.0, sympy.Integer(1)), (math.pi, sympy.pi)):
        near = Fraction(value / unit).limit_denominator(largest)
        if near and abs(value / unit - float(near)) <= close * min(1.0, abs(value / unit)):
            return sympy.Rational(near.numerator, near.denominator) * sign
    return _decimal(value, digits)


def _decimal(value: float, digits: int) -> "Expr":
    return require("sympy", extra="science").Float(f"{value:.{digits}g}", max(digits, 1))
