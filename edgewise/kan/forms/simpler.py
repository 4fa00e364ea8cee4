"""Formulas made simpler: parts left out and constants at simple values, where the criterion does not object."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from edgewise.kan.forms.constants import LENGTH, Fitted, Rows, length
from edgewise.kan.forms.grammar import Grammar
from edgewise.kan.forms.tree import FITTED, FIXED, POWER, PRODUCT, SUM, Tree, number

LARGEST = (1, 2, 3, 4, 6, 10)  # denominators
NEAR = 3.0  # standard errors within which a simple value is tried
ROUNDING = 1e-7  # and what it may be off in any case, as a share of the constant
TINY = 1e-300
STEPS = 10  # of a fit of a simpler formula


def simpler(rows: Rows, fitted: Fitted, left: Callable[[], float], grammar: Grammar | None = None) -> Fitted:
    """A formula without what the criterion can do without.

    Args:
        rows: That it was fitted to.
        fitted: The formula.
        left: How many seconds are left.
        grammar: What formulas may be; anything by default.
    """

    def allowed(tree: Tree) -> bool:
        return grammar is None or grammar.has_units(tree)

    short = _shorter(rows, fitted, left, allowed)
    return _shorter(rows, _rounded(rows, short, left, allowed), left, allowed)


def _shorter(rows: Rows, fitted: Fitted, left: Callable[[], float], allowed: Callable[[Tree], bool]) -> Fitted:
    changed = True
    while changed:
        changed = False
        for tree in filter(allowed, _without_a_part(fitted.tree)):
            if left() <= 0:
                return fitted
            trial = rows.fitted(tree, STEPS)
            if trial.score < fitted.score:
                fitted, changed = trial, True
                break
    return fitted


def promise(rows: Rows, fitted: Fitted) -> float:
    """The score that a formula would have with all its constants at simple values, if each were rounded by itself."""
    return fitted.score - sum(gain for _, gain in _roundings(rows, fitted))


def _roundings(rows: Rows, fitted: Fitted) -> list[tuple[float | None, float]]:
    """For each constant the simple value that is worth most, None if none is, and about what the score gains by it."""
    found: list[tuple[float | None, float]] = []
    for value, error in zip(fitted.tree.constants(), rows.errors_of(fitted).tolist(), strict=True):
        best: tuple[float | None, float] = (None, 0.0)
        for near in simple_values(value):
            off = abs(near - value) / max(error, ROUNDING * abs(value), TINY)
            shorter = 2 if near == 1 else 3 if near == 0 else 1 - length(number(near))
            gain = math.log(len(rows)) + LENGTH * shorter - off**2
            if off <= NEAR and gain > best[1]:
                best = near, gain
        found.append(best)
    return found


def _rounded(rows: Rows, fitted: Fitted, left: Callable[[], float], allowed: Callable[[Tree], bool]) -> Fitted:
    if left() > 0 and allowed(tree := _all_fixed(rows, fitted)):
        fitted = min(fitted, rows.fitted(tree, STEPS), key=lambda one: one.score)
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
            if not allowed(tree := _fixed(fitted.tree, {place: near})):
                continue
            trial = rows.fitted(tree, STEPS)
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
    near = [float(Fraction(value / unit).limit_denominator(n)) * unit for unit in (1.0, math.pi) for n in LARGEST]
    return list(dict.fromkeys(near))


def _all_fixed(rows: Rows, fitted: Fitted) -> Tree:
    """The formula with each of its constants that may be simple at the value which is worth most."""
    values = [near for near, _ in _roundings(rows, fitted)]
    return _fixed(fitted.tree, {place: near for place, near in enumerate(values) if near is not None})


def _fixed(tree: Tree, values: Mapping[int, float]) -> Tree:
    """The formula with some of its constants at values that stay."""
    counter = iter(range(len(tree.constants())))

    def walk(part: Tree) -> Tree:
        if part.op == FITTED:
            return number(values[place]) if (place := next(counter)) in values else part
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
