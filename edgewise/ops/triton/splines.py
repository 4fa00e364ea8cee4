# type: ignore  # Triton's language, of which a type checker of Python knows nothing
r"""B-splines in Triton's language: of function j its value and its slope, beside the formulas of :class:`BSpline`."""

import math

import triton
import triton.language as tl


@triton.constexpr_function
def root(degree, i):
    r"""Of the weight of the i-th power of a bump, :math:`\binom{k+1}{i} / k!`, the k-th one."""
    return (math.comb(degree + 1, i) / math.factorial(degree)) ** (1 / degree)


@triton.constexpr_function
def pairs(degree):
    """How many powers a half of a bump is made of."""
    return (degree + 2) // 2


@triton.jit
def power(x, N: tl.constexpr):
    """x to the N, at least 1."""
    result = x
    for _ in tl.static_range(N - 1):
        result = result * x
    return result


@triton.jit
def uniform_spline(x, j, feature, NUMBERS, SETTINGS: tl.constexpr):
    r"""On even knots, :math:`\sum_i (-1)^i (r_i (h - i - |v|)_+)^k`: v the distance to the middle, h half the width.

    Both in cells. With the roots of the weights inside the powers, a cubic takes nine operations.
    """
    DEGREE: tl.constexpr = SETTINGS[0]
    HALF: tl.constexpr = (DEGREE + 1) / 2
    stretch = tl.load(NUMBERS + 3)
    away = x * (stretch * root(DEGREE, 0)) + (tl.load(NUMBERS + 2) - HALF - j) * root(DEGREE, 0)
    rest = tl.maximum(HALF * root(DEGREE, 0) - tl.abs(away), 0.0, propagate_nan=tl.PropagateNan.ALL)
    if DEGREE == 1:  # at a knot the slope of the cell on its right
        return rest, tl.where((away < -1) | (away >= 1), 0.0, tl.where(away < 0, stretch, -stretch))
    lower = power(rest, DEGREE - 1)
    value = lower * rest
    slope = lower * root(DEGREE, 0)
    for i in tl.static_range(1, pairs(DEGREE)):
        rest = tl.maximum(rest * (root(DEGREE, i) / root(DEGREE, i - 1)) - root(DEGREE, i), 0.0)
        lower = power(rest, DEGREE - 1)
        if i % 2:
            value -= lower * rest
            slope -= lower * root(DEGREE, i)
        else:
            value += lower * rest
            slope += lower * root(DEGREE, i)
    return value, tl.where(away < 0, stretch, -stretch) * (slope * DEGREE)


@triton.jit
def own_spline(x, j, feature, NUMBERS, SETTINGS: tl.constexpr):
    """On knots of each feature's own, by Cox's and de Boor's recursion; cells of zero width hold nothing."""
    DEGREE: tl.constexpr = SETTINGS[0]
    lo, hi = ends_of_knots(x, feature, NUMBERS, SETTINGS)
    at_end = (x == hi) & (lo < hi)  # the domain is closed, whatever knots coincide there
    knots = ()
    passed = ()
    for p in tl.static_range(DEGREE + 2):
        knot = tl.load(NUMBERS + feature * SETTINGS[1] + j + p).to(x.dtype)
        knots += (knot,)
        passed += (tl.where(at_end, knot < x, knot <= x),)
    x = tl.where(x < knots[0], knots[0], tl.where(x > knots[DEGREE + 1], knots[DEGREE + 1], x))  # an infinity is none
    row = ()
    for p in tl.static_range(DEGREE + 1):
        row += (tl.where(passed[p] & (passed[p + 1] == 0), x * 0 + 1, x * 0),)
    slope = x * 0
    for degree in tl.static_range(1, DEGREE + 1):
        longer = ()
        for p in tl.static_range(DEGREE + 1 - degree):
            rising = row[p] * inverse(knots[p + degree] - knots[p])
            falling = row[p + 1] * inverse(knots[p + degree + 1] - knots[p + 1])
            longer += ((x - knots[p]) * rising + (knots[p + degree + 1] - x) * falling,)
            slope = DEGREE * (rising - falling)  # that of the last step counts
        row = longer
    return row[0], slope


@triton.jit
def inverse(width):
    """1 / width, or 0 for a cell of zero width."""
    return tl.where(width > 0, 1 / tl.where(width > 0, width, 1.0), 0.0)


@triton.jit
def ends_of_knots(x, feature, NUMBERS, SETTINGS: tl.constexpr):
    """The ends of the domain of each feature, which are knots."""
    row = NUMBERS + feature * SETTINGS[1]
    return tl.load(row + SETTINGS[0]).to(x.dtype), tl.load(row + SETTINGS[1] - 1 - SETTINGS[0]).to(x.dtype)
