"""Sums of terms with numbers before them: how formulas are put together, in one canonical form.

A symbolic edge ``c f(a x + b) + d`` has more constants than its function needs: ``exp(x + 1)`` is ``e exp(x)`` and
``sin(-x)`` is ``-sin(x)``. So whatever a function lets through (a factor, a sign, a shift) is moved out of it here, where
it meets the other constants; what is left inside is as plain as it can be.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgewise._ground.errors import NonFiniteError
from edgewise._ground.optional import require
from edgewise.kan.functions import Function
from edgewise.kan.interpret.expression import parse_formula

if TYPE_CHECKING:
    from sympy import Expr

LARGEST_EXPONENT = 709.0  # whose exponential is a float
ODD = ("sin", "tan", "tanh", "asin", "atan", "atanh")  # sympy's names


@dataclass(frozen=True)
class Sum:
    """A number and terms with factors, ``const + sum factor * term``; the terms are sympy expressions."""

    terms: Mapping = field(default_factory=dict)
    const: float = 0.0

    def __add__(self, other: "Sum") -> "Sum":
        terms = dict(self.terms)
        for term, factor in other.terms.items():
            terms[term] = terms.get(term, 0.0) + factor
        return Sum(terms, self.const + other.const)

    def scaled(self, factor: float, shift: float = 0.0) -> "Sum":
        """``factor * self + shift``."""
        return Sum({term: factor * f for term, f in self.terms.items()}, factor * self.const + shift)

    def pruned(self, tolerance: float = 1e-13) -> "Sum":
        """Without terms whose factors are rounding errors next to the largest."""
        largest = max((abs(f) for f in self.terms.values()), default=0.0)
        return Sum({term: f for term, f in self.terms.items() if abs(f) > tolerance * largest}, self.const)

    @property
    def lead(self) -> float:
        """The factor of largest size."""
        return max(self.terms.values(), key=abs, default=1.0)

    def expression(self) -> "Expr":
        """As one sympy expression."""
        sympy = require("sympy", extra="science")
        parts = [sympy.Float(f, 17) * term if f != 1 else term for term, f in self.terms.items()]
        return sympy.Add(sympy.Float(self.const, 17) if self.const else 0, *parts)


def apply(f: Function, inner: Sum) -> Sum:
    """The sum that is ``f(inner)``, with all that f lets through moved out of it.

    Args:
        f: A function of the library.
        inner: What it is applied to.

    Raises:
        NonFiniteError: The exponential of a constant is beyond all floats.

    Example:
        >>> import sympy
        >>> from edgewise.kan import FUNCTIONS
        >>> x = sympy.Symbol("x", real=True)
        >>> apply(FUNCTIONS["x^2"], Sum({x: -3.0})).terms
        {x**2: 9.0}
    """
    sympy = require("sympy", extra="science")
    inner = inner.pruned()
    if f.name == "x":
        return inner
    x = sympy.Symbol("x", real=True)
    shape = parse_formula(f.formula, ["x"])
    if not inner.terms or not shape.has(x):
        return Sum(const=_value(shape, x, inner.const))
    if shape == sympy.exp(x):
        if inner.const > LARGEST_EXPONENT:
            raise NonFiniteError(f"the formula has exp({inner.const:.4g}), which no float holds: fit again, or without exp")
        return Sum({sympy.exp(Sum(inner.terms).expression()): math.exp(inner.const)})
    if shape in (sympy.sin(x), sympy.cos(x)):
        return _wave(sympy, inner, math.pi / 2 if shape == sympy.cos(x) else 0.0)
    lead = abs(inner.lead)
    if shape == sympy.log(x):
        return Sum({sympy.log(inner.scaled(1 / lead).expression()): 1.0}, math.log(lead))
    if shape == sympy.Abs(x):
        plain = inner.scaled(1 / inner.lead)
        return Sum({sympy.Abs(plain.expression()): lead})
    if shape.is_Pow and shape.args[0] == x:  # base and exponent
        return _power(sympy, shape.args[1], inner)
    sign = math.copysign(1.0, inner.lead)
    if type(shape).__name__ in ODD or shape == sympy.sign(x):
        return Sum({shape.subs(x, inner.scaled(sign).expression()): sign})
    if shape == sympy.exp(-(x**2)):  # even
        return Sum({shape.subs(x, inner.scaled(sign).expression()): 1.0})
    return Sum({shape.subs(x, inner.expression()): 1.0})


def product(factors: list[Sum]) -> Sum:
    """The sum that is the product of sums, their leading factors moved out; one that is small is written out.

    Example:
        >>> import sympy
        >>> x, y = sympy.symbols("x y", real=True)
        >>> product([Sum({x: 2.0}), Sum({y: 3.0}, 3.0)]).terms
        {x*(y + 1): 6.0}
    """
    sympy = require("sympy", extra="science")
    scale, parts = 1.0, []
    for factor in (f.pruned() for f in factors):
        if not factor.terms:
            scale *= factor.const
            continue
        scale *= factor.lead
        parts.append(_whole(factor.scaled(1 / factor.lead)))
    return Sum({sympy.Mul(*parts): scale}) if parts else Sum(const=scale)


def _power(sympy, exponent, inner: Sum) -> Sum:
    """``inner ** exponent``: a whole power lets any factor through, a root positive ones."""
    lead = inner.lead if exponent.is_Integer else abs(inner.lead)
    return Sum({_whole(inner.scaled(1 / lead)) ** exponent: lead ** float(exponent)})


def _wave(sympy, inner: Sum, quarter: float) -> Sum:
    """``sin(inner + quarter)``, shifted by quarter turns to the least phase."""
    sign = math.copysign(1.0, inner.lead)
    phase = sign * (inner.const + quarter)  # sin(-u) is -sin(u)
    turns = round(phase / (math.pi / 2))
    rest = Sum(inner.scaled(sign).terms, phase - turns * math.pi / 2)
    wave = sympy.cos if turns % 2 else sympy.sin
    return Sum({wave(rest.expression()): sign * (-1.0 if turns % 4 >= 2 else 1.0)})


def _whole(plain: Sum):
    """The expression of a sum whose leading factor is 1, numbers that are whole written so."""
    sympy = require("sympy", extra="science")
    parts = [term if f == 1 else sympy.Float(f, 17) * term for term, f in plain.terms.items()]
    const = [sympy.Integer(int(plain.const)) if plain.const == int(plain.const) else sympy.Float(plain.const, 17)]
    return sympy.Add(*parts, *const)


def _value(shape, x, at: float) -> float:
    return float(shape.subs(x, at))
