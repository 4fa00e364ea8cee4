"""Base functions in Triton's language: each gives its value and its slope, beside ``edgewise.ops.edge.BASE_FUNCTIONS``."""

import triton
import triton.language as tl


@triton.jit
def silu(x, j, feature, NUMBERS, SETTINGS: tl.constexpr):
    """x times the logistic function."""
    gate = tl.sigmoid(x)
    return x * gate, gate * (1 + x * (1 - gate))


@triton.jit
def gelu(x, j, feature, NUMBERS, SETTINGS: tl.constexpr):
    """x times the normal distribution function."""
    below = 0.5 * (1 + tl.erf(x * 0.7071067811865476))
    return x * below, below + x * tl.exp(-0.5 * x * x) * 0.3989422804014327


@triton.jit
def relu(x, j, feature, NUMBERS, SETTINGS: tl.constexpr):
    """x where it is positive."""
    return tl.maximum(x, 0.0, propagate_nan=tl.PropagateNan.ALL), tl.where(x > 0, x * 0 + 1, x * 0)


@triton.jit
def tanh(x, j, feature, NUMBERS, SETTINGS: tl.constexpr):
    """The hyperbolic tangent, by the logistic function."""
    value = 2 * tl.sigmoid(2 * x) - 1
    return value, 1 - value * value


@triton.jit
def identity(x, j, feature, NUMBERS, SETTINGS: tl.constexpr):
    """x itself."""
    return x, x * 0 + 1


BASE_FUNCTIONS = {"silu": silu, "gelu": gelu, "relu": relu, "tanh": tanh, "identity": identity}
