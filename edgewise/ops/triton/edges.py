# type: ignore  # Triton's language, of which a type checker of Python knows nothing
"""The function on an edge in Triton's language: that of its basis, under the rule for the outside of the domain."""

import triton
import triton.language as tl


@triton.jit
def ends_of_domain(x, feature, NUMBERS, SETTINGS: tl.constexpr):
    """The ends of the domain, the same for all features."""
    return tl.load(NUMBERS), tl.load(NUMBERS + 1)


@triton.jit
def evaluate(x, j, feature, NUMBERS, BASIS: tl.constexpr):
    """Value and slope of function j at x under the rule for the outside."""
    # shape: x (rows, features), feature (1, features)
    if BASIS.outside == "natural":
        return BASIS.function(x, j, feature, NUMBERS, BASIS.settings)
    lo, hi = BASIS.ends(x, feature, NUMBERS, BASIS.settings)
    inner = tl.where(x < lo, lo, tl.where(x > hi, hi, x))
    value, slope = BASIS.function(inner, j, feature, NUMBERS, BASIS.settings)
    if BASIS.outside == "linear":
        most: tl.constexpr = 1.7976931348623157e308 if x.dtype == tl.float64 else 3.4028234663852886e38
        beyond = tl.minimum(tl.maximum(x - inner, -most), most)  # an infinity times the slope 0 would be NaN
        return value + beyond * slope, slope
    return value, tl.where((x < lo) | (x > hi), 0.0, slope)
