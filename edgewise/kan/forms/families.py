"""Families of curves of one column, with one or two numbers in them that no sum is linear in."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from torch import Tensor

from edgewise.kan.forms.tree import PRODUCT, Tree, constant, number, variable

RATES = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.5, 7.5, 10.0, 14.0)  # of exponentials, over the range of the column
WAVES = np.arange(1.0, 40.0)  # of sines, the same
EXPONENTS = (-3.0, -2.5, -2.0, -1.5, -1.0, -0.7, -0.4, 0.4, 0.7, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
SIZES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # of a term beside 1
SHIFTS = (0.02, 0.05, 0.1, 0.3, 1.0, 3.0)  # beyond the rows, in ranges of the column
PLACES = (-0.2, 0.1, 0.3, 0.5, 0.7, 0.9, 1.2)  # of a middle, in ranges from the lowest row
BENDS = (0.5, 2.0, 5.0, 15.0, 50.0)  # of squares, over the square of the range
WITHIN = (0.3, 0.6, 0.9, 0.99)  # of an argument that is at most 1
TIMES = (0, 1, -1)  # powers of the column before a curve
MORE_TIMES = (2, 3)  # and before 1 over an exponential and a number, as of radiation

Terms = Callable[[Tree, Tree, Tree], Sequence[Tree]]
"""From the column and the two numbers to the terms."""


@dataclass(frozen=True)
class Family:
    """Sums of a constant and of terms with two numbers in them.

    Attributes:
        terms: With constants for the numbers, which all terms share.
        first: Values of the first number to begin with.
        second: Of the second.
    """

    terms: Terms
    first: Sequence[float]
    second: Sequence[float] = (1.0,)

    def at(self, first: float, second: float) -> list[Tree]:
        """The terms with numbers in them."""
        return list(self.terms(variable(0), constant(first), constant(second)))

    def written(self, first: float, second: float, coefficients: Sequence[float]) -> Tree:
        """The sum of the terms with numbers and coefficients in them."""
        several = [constant(c) * term for c, term in zip(coefficients, self.at(first, second), strict=True)]
        return reduce(Tree.__add__, several)


@dataclass(frozen=True)
class Waves(Family):
    """Families of sines and cosines of the same: two terms are written as one wave with a phase."""

    def written(self, first: float, second: float, coefficients: Sequence[float]) -> Tree:
        terms, made = self.at(first, second), []
        for sine, by_sine, by_cosine in zip(terms[::2], coefficients[::2], coefficients[1::2], strict=True):
            before, wave = (sine.args[:-1], sine.args[-1]) if sine.op == PRODUCT else ((), sine)
            shifted = Tree("sin", (wave.args[0] + constant(math.atan2(by_cosine, by_sine)),))
            made.append(reduce(Tree.__mul__, [constant(math.hypot(by_sine, by_cosine)), *before, shifted]))
        return reduce(Tree.__add__, made)


def families(column: Tensor) -> Iterator[Family]:
    """The families that are defined on a column, with lattices for it.

    Args:
        column: Its values at the rows, ``(N,)``.
    """
    low, high, middle = float(column.min()), float(column.max()), float(column.abs().median()) or 1.0
    width, far = high - low, float(column.abs().max())
    rates = [s * r / width for r in RATES for s in (1, -1)]
    sizes = [s * size for size in SIZES for s in (1, -1)]
    places, bends = [low + p * width for p in PLACES], [b / width**2 for b in BENDS]
    beyond = [s * width - low for s in SHIFTS]
    yield from _exponentials(rates, sizes, places, bends)
    waves = [w / width for w in WAVES]
    yield Waves(lambda x, a, b: [_f("exp", a * x) * _f(g, b * x) for g in ("sin", "cos")], rates, waves)
    yield Waves(lambda x, a, b: [_f(g, c * x) for c in (a, b) for g in ("sin", "cos")], waves, waves)
    yield Family(lambda x, a, b: [(x + a) ** -1, (x + b) ** -1], beyond, beyond)
    yield Family(lambda x, a, b: [_power(x + b, a)], EXPONENTS, beyond)
    yield Family(lambda x, a, b: [_power(x**2 + b, a)], EXPONENTS, [s * far**2 for s in SHIFTS])
    yield Family(lambda x, a, b: [_power(b + number(-1) * x, a)], EXPONENTS, [high + s * width for s in SHIFTS])
    yield Family(lambda x, a, b: [_power(b + number(-1) * x**2, a)], EXPONENTS, [far**2 * (1 + s) for s in SHIFTS])
    times = [p for p in TIMES if p >= 0 or low > 0 or high < 0]
    for p in times:
        yield from _squashed(p, rates[::2], [s / far for s in WITHIN], [s / middle for s in SIZES])
    for p in (*times, *MORE_TIMES):
        yield Family(lambda x, a, b, p=p: [_times(x, p, (number(1) + b * _f("exp", a * x)) ** -1)], rates, [-1.0, *sizes])
    if low > 0:
        yield from _powers(rates, [s * size * middle for size in SIZES for s in (1, -1)], [s / middle for s in SIZES])


def _exponentials(rates, sizes, places, bends) -> Iterator[Family]:
    yield Family(lambda x, a, b: [_f("exp", a * x), _f("exp", b * x)], rates, rates)
    yield Family(lambda x, a, b: [_f("exp", b * _f("exp", a * x))], rates, sizes)
    yield Family(lambda x, a, b: [(_f("exp", a * x) + b * _f("exp", number(-1) * a * x)) ** -1], rates, (1.0, -1.0, *sizes))
    yield Family(lambda x, a, b: [_f("exp", number(-1) * b * _from(x, a) ** 2)], places, bends)
    yield Family(lambda x, a, b: [(number(1) + b * _from(x, a) ** 2) ** -1], places, bends)


def _squashed(p: int, rates, within, sizes) -> Iterator[Family]:
    """Functions that end at a value, and their inverses, times a power."""
    yield Family(lambda x, a, b: [_times(x, p, _f("tanh", a * x + b))], rates, (0.0, 1.0, -1.0, 3.0, -3.0))
    yield Family(lambda x, a, b: [_times(x, p, _f("tanh", a * x) ** -1), x**-1], rates)
    yield Family(lambda x, a, b: [_times(x, p, _f("arctan", a * x))], sizes)
    for name in ("arcsin", "arccos", "arctanh"):
        yield Family(lambda x, a, b, name=name: [_times(x, p, _f(name, a * x))], within)
    yield Family(lambda x, a, b: [_times(x, p, _f("log", number(1) + a * x))], sizes)


def _powers(rates, hindrances, scales) -> Iterator[Family]:
    """Curves with free exponents, of a positive column."""
    positive = [e for e in EXPONENTS if e > 0]
    yield Family(lambda x, a, b: [_power(x, a), _power(x, b)], EXPONENTS, EXPONENTS)
    yield Family(lambda x, a, b: [_power(x, a) * _f("exp", b * x)], EXPONENTS, rates)
    yield Family(lambda x, a, b: [_power(x, a) * _f("exp", b * x**-1)], EXPONENTS, hindrances)
    yield Family(lambda x, a, b: [_power(x, a) * _f("log", b * x)], EXPONENTS, scales)
    yield Family(lambda x, a, b: [_f("exp", number(-1) * _power(b * x, a))], positive, scales)
    yield Family(lambda x, a, b: [(number(1) + _power(b * x, a)) ** -1], positive, scales)
    yield Family(lambda x, a, b: [_power(number(1) + _power(b * x, a), a**-1)], EXPONENTS, scales)


def _f(name: str, argument: Tree) -> Tree:
    return Tree(name, (argument,))


def _power(base: Tree, exponent: Tree) -> Tree:
    return Tree("^", (base, exponent))


def _times(x: Tree, power: int, tree: Tree) -> Tree:
    return x**power * tree if power else tree


def _from(x: Tree, middle: Tree) -> Tree:
    return x + number(-1) * middle
