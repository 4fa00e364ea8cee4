# type: ignore  # Triton's language, of which a type checker of Python knows nothing
"""Bases without cells in Triton's language: value and slope of function j, beside the formulas of edgewise.bases."""

import math

import triton
import triton.language as tl


@triton.jit
def polynomial(x, j, feature, NUMBERS, SETTINGS: tl.constexpr):
    """By :math:`p_{n+1} = (a_n t + b_n) p_n - c_n p_{n-1}` from a table of a, b and c."""
    stretch = tl.load(NUMBERS + 3)
    t = (x - tl.load(NUMBERS + 2)) * stretch
    value = one_like(t)
    before, slope, slope_before = value * 0, value * 0, value * 0
    for n in range(j):
        a, b, c = tl.load(NUMBERS + 4 + 3 * n), tl.load(NUMBERS + 5 + 3 * n), tl.load(NUMBERS + 6 + 3 * n)
        factor = a * t + b
        slope, slope_before = factor * slope + a * value - c * slope_before, slope
        value, before = factor * value - c * before, value
    return value, slope * stretch


@triton.jit
def monomial(x, j, feature, NUMBERS, SETTINGS: tl.constexpr):
    """Powers of t."""
    stretch = tl.load(NUMBERS + 3)
    t = (x - tl.load(NUMBERS + 2)) * stretch
    value = one_like(t)
    slope = value * 0
    for _ in range(j):
        slope = slope * t + value
        value = value * t
    return value, slope * stretch


@triton.jit
def bernstein(x, j, feature, NUMBERS, SETTINGS: tl.constexpr):
    r""":math:`\binom{d}{j} u^j (1-u)^{d-j}`, from a table of binomial coefficients."""
    stretch = tl.load(NUMBERS + 3)
    up = (x - tl.load(NUMBERS + 2)) * stretch
    down = 1 - up
    value = one_like(up)
    slope = value * 0
    for _ in range(j):
        slope = slope * up + value
        value = value * up
    for _ in range(SETTINGS[0] - j):
        slope = slope * down - value
        value = value * down
    number = tl.load(NUMBERS + 4 + j)
    return number * value, number * stretch * slope


@triton.jit
def wave(x, j, feature, NUMBERS, SETTINGS: tl.constexpr):
    """Cosines of whole multiples of an angle, then sines; angles are counted in turns, and whole turns left out."""
    stretch, multiple = tl.load(NUMBERS + 3), j % SETTINGS[0] + 1
    turns = (x - tl.load(NUMBERS + 2)) * stretch * multiple
    turns -= tl.floor(turns + 0.5)
    across = 0.25 - tl.abs(turns)  # cos t = sin(1/4 - |t|)
    along = tl.where(across < 0, tl.where(turns < 0, -0.5, 0.5) - turns, turns)
    if j < SETTINGS[0]:
        value, slope = sine(across), -sine(along)
    else:
        value, slope = sine(along), sine(across)
    return value, slope * (6.283185307179586 * stretch * multiple)


@triton.constexpr_function
def taylor(n):
    """Of the n-th odd power in the series of the sine of turns."""
    return (-1) ** n * math.tau ** (2 * n + 1) / math.factorial(2 * n + 1)


@triton.jit
def sine(turns):
    """Up to a quarter of a turn, by its series: the sine of the GPU's library needs memory, to reduce huge angles."""
    TERMS: tl.constexpr = 12 if turns.dtype == tl.float64 else 7
    square = turns * turns
    total = square * 0 + taylor(TERMS - 1)
    for n in tl.static_range(2, TERMS + 1):
        total = total * square + taylor(TERMS - n)
    return total * turns


@triton.jit
def gaussian(x, j, feature, NUMBERS, SETTINGS: tl.constexpr):
    """:math:`e^{-d^2}`, d the distance to centre j in units of theirs."""
    stretch, d = moved(x, j, NUMBERS, 32.0)
    value = tl.exp(-d * d)
    return value, -2 * stretch * d * value


@triton.jit
def switch(x, j, feature, NUMBERS, SETTINGS: tl.constexpr):
    r""":math:`1 - \tanh^2 d = 4 e / (1 + e)^2` with :math:`e = e^{-2|d|}`, in which nothing cancels."""
    stretch, d = moved(x, j, NUMBERS, 512.0)
    e = tl.exp(-2 * tl.abs(d))
    share = 1 / (1 + e)
    value = 4 * e * share * share
    tanh = tl.where(d < 0, e - 1, 1 - e) * share
    return value, -2 * stretch * tanh * value


@triton.jit
def rectified(x, j, feature, NUMBERS, SETTINGS: tl.constexpr):
    """A product of two rectifiers to a power; settings are the width in cells and the power."""
    WIDTH: tl.constexpr = SETTINGS[0]
    stretch, since = moved(x, j, NUMBERS, 65536.0)
    rising, falling = tl.maximum(since, 0.0, propagate_nan=tl.PropagateNan.ALL), tl.maximum(WIDTH - since, 0.0)
    bump = rising * falling * (4 / WIDTH**2)
    lower = one_like(bump)
    for _ in tl.static_range(SETTINGS[1] - 1):
        lower = lower * bump
    steep = tl.where((since > 0) & (since < WIDTH), WIDTH - 2 * since, 0.0)
    return lower * bump, lower * steep * (SETTINGS[1] * (4 / WIDTH**2)) * stretch


@triton.jit
def moved(x, j, NUMBERS, MOST: tl.constexpr):
    """What a unit of x is in the variable of bumps, and the distance from bump j; infinities are far and finite."""
    stretch = tl.load(NUMBERS + 3)
    d = x * stretch + (tl.load(NUMBERS + 2) - j)
    return stretch, tl.clamp(d, -MOST, MOST, propagate_nan=tl.PropagateNan.ALL)


@triton.jit
def one_like(t):
    """1, and NaN for a NaN."""
    return tl.where(t == t, 1.0, t)
