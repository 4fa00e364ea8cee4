"""Formulas made simpler: parts left out and constants at simple values, where the criterion does not object."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from math import pi

from edgewise.kan.forms.constants import Fitted, Rows
from edgewise.kan.forms.tree import FITTED, FIXED, POWER, PRODUCT, SUM, Tree, number

LARGEST = (1, 2, 3, 4, 6, 10)  # denominators
NEAR = 3.0  # standard errors within which a simple value is tried
ROUNDING = 1e-7  # and what it may be off in any case, as a share of the constant
STEPS = 10  # of a fit of a simpler formula


def simpler(rows: Rows, fitted: Fitted, left: Callable[[], float]) -> Fitted:
    """A formula without what the criterion can do without.

    Args:
        rows: That it was fitted to.
        fitted: The formula.
        left: How many seconds are left.
    """
    return _shorter(rows, _rounded(rows, _shorter(rows, fitted, left), left), left)


def _shorter(rows: Rows, fitted: Fitted, left: Callable[[], float]) -> Fitted:
    changed = True
    while changed:
        changed = False
        for tree in _without_a_part(fitted.tree):
            if left() <= 0:
                return fitted
            trial = rows.fitted(tree, STEPS)
            if trial.score < fitted.score:
                fitted, changed = trial, True
                break
    return fitted


def _rounded(rows: Rows, fitted: Fitted, left: Callable[[], float]) -> Fitted:
    changed = True
    while changed and left() > 0:
        changed, values, errors = False, fitted.tree.constants(), rows.errors_of(fitted)
        tries = [
            (abs(near - value) / (abs(value) + 1e-300), place, near)
            for place, (value, error) in enumerate(zip(values, errors, strict=True))
            for near in simple_values(value)
            if abs(near - value) <= NEAR * error + ROUNDING * abs(value)
        ]
        for _, place, near in sorted(tries):
            trial = rows.fitted(_fixed(fitted.tree, place, near), STEPS)
            if trial.score < fitted.score:
                fitted, changed = trial, True
                break
    return fitted


def simple_values(value: float) -> list[float]:
    """Whole numbers, fractions, and multiples of pi near a number, the simplest first.

    Example:
        >>> simple_values(0.334)[:2]
        [0.0, 0.5]
    """
    near = [float(Fraction(value / unit).limit_denominator(n)) * unit for unit in (1.0, pi) for n in LARGEST]
    return list(dict.fromkeys(near))


def _fixed(tree: Tree, place: int, value: float) -> Tree:
    """The formula with one of its constants at a value that stays."""
    counter = iter(range(len(tree.constants())))

    def walk(part: Tree) -> Tree:
        if part.op == FITTED:
            return number(value) if next(counter) == place else part
        return tidy(replace(part, args=tuple(map(walk, part.args)))) if part.args else part

    return walk(tree)


def tidy(tree: Tree) -> Tree:
    """Without factors of 1, terms of 0, and powers of 0 and 1."""
    if tree.op == SUM:
        return _several(SUM, [part for part in tree.args if not _is(part, 0)], 0)
    if tree.op == PRODUCT:
        return (
            number(0)
            if any(_is(part, 0) for part in tree.args)
            else _several(PRODUCT, [part for part in tree.args if not _is(part, 1)], 1)
        )
    if tree.op == POWER and (_is(tree.args[1], 0) or _is(tree.args[1], 1)):
        return tree.args[0] if tree.args[1].value else number(1)
    return tree


def _is(tree: Tree, value: float) -> bool:
    return tree.op == FIXED and tree.value == value


def _several(op: str, parts: list[Tree], neutral: float) -> Tree:
    """A sum or product of any number of parts."""
    return number(neutral) if not parts else parts[0] if len(parts) == 1 else Tree(op, tuple(parts))


def _without_a_part(tree: Tree) -> Iterator[Tree]:
    """The formula without one term of a sum, or one factor of a product, larger parts first."""
    for i, part in enumerate(tree.args):
        if tree.op in (SUM, PRODUCT):
            yield tidy(replace(tree, args=tree.args[:i] + tree.args[i + 1 :]))
        for smaller in _without_a_part(part):
            yield tidy(replace(tree, args=(*tree.args[:i], smaller, *tree.args[i + 1 :])))
