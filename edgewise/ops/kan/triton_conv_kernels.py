# type: ignore  # Triton's language, of which a type checker of Python knows nothing
"""The edge sum of convolutions: matrix products over channels, taps and functions, none of which is ever stored unfolded.

Tables say which pixel each place of the output sees through each tap, and the other way round; -1 is none. No two programs
add to one number. The base branch stands apart.
"""

import triton
import triton.language as tl

from edgewise.ops.kan.triton_kernels import dot
from edgewise.ops.triton.edges import evaluate


@triton.jit
def functions_of(X, image, pixel, i, group, j, pixels, channels, groups, NUMBERS, BASIS: tl.constexpr, TILE: tl.constexpr):
    """Function j of some channels of some pixels; zero where there is no pixel."""
    there = (pixel >= 0)[:, None]
    at = (image * pixels + pixel)[:, None] * (groups * channels) + (group * channels + i)[None, :]
    x = tl.load(X + at, there & (i < channels)[None, :], 0.0).to(TILE.sum)
    value, slope = evaluate(x, j, (group * channels + tl.minimum(i, channels - 1))[None, :], NUMBERS, BASIS)
    return tl.where(there, value, 0.0), slope


@triton.jit
def conv_sum(
    X, SEEN, COEF, NUMBERS, Y, rows, places, pixels, channels, taps, outs, groups,
    BASIS: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """A tile of places and outputs of one group."""
    # shape: X (images, pixels, groups x channels), SEEN (taps, places), COEF (channels, functions, taps, groups x outs),
    # Y (rows, groups x outs) with rows = images x places
    r = tl.program_id(0).to(tl.int64) * TILE.rows + tl.arange(0, TILE.rows)
    o, k, group = tl.program_id(1) * TILE.columns + tl.arange(0, TILE.columns), tl.arange(0, TILE.depth), tl.program_id(2)
    total = tl.zeros((TILE.rows, TILE.columns), TILE.sum)
    for step in range(tl.cdiv(channels, TILE.depth) * taps * BASIS.num_functions):
        j, t = step % BASIS.num_functions, step // BASIS.num_functions % taps
        i = step // BASIS.num_functions // taps * TILE.depth + k
        pixel = tl.load(SEEN + t * places + r % places, r < rows, -1)
        value, _ = functions_of(X, r // places, pixel, i, group, j, pixels, channels, groups, NUMBERS, BASIS, TILE)
        at = ((i.to(tl.int64) * BASIS.num_functions + j) * taps + t)[:, None] * (groups * outs) + (group * outs + o)[
            None, :
        ]
        weight = tl.load(COEF + at, (i < channels)[:, None] & (o < outs)[None, :], 0.0)
        total = dot(value, weight, total, TILE)
    at = r[:, None] * (groups * outs) + (group * outs + o)[None, :]
    tl.store(Y + at, total.to(Y.dtype.element_ty), (r < rows)[:, None] & (o < outs)[None, :])


@triton.jit
def weight_gradient(
    X, GRAD, SEEN, NUMBERS, RESULT, rows, places, pixels, channels, taps, outs, groups,
    BASIS: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """For one function and tap a tile of channels and outputs of one group."""
    # shape: GRAD as Y, RESULT as COEF
    j, t = tl.program_id(0) % BASIS.num_functions, tl.program_id(0) // BASIS.num_functions % taps
    i = tl.program_id(0) // BASIS.num_functions // taps * TILE.rows + tl.arange(0, TILE.rows)
    o, group = tl.program_id(1) * TILE.columns + tl.arange(0, TILE.columns), tl.program_id(2)
    total = tl.zeros((TILE.rows, TILE.columns), TILE.sum)
    for step in range(tl.cdiv(rows, TILE.depth)):
        r = tl.cast(step, tl.int64) * TILE.depth + tl.arange(0, TILE.depth)
        pixel = tl.load(SEEN + t * places + r % places, r < rows, -1)
        value, _ = functions_of(X, r // places, pixel, i, group, j, pixels, channels, groups, NUMBERS, BASIS, TILE)
        at = r[:, None] * (groups * outs) + (group * outs + o)[None, :]
        grad = tl.load(GRAD + at, (r < rows)[:, None] & (o < outs)[None, :], 0.0)
        total = dot(tl.trans(value), grad, total, TILE)
    at = ((i.to(tl.int64) * BASIS.num_functions + j) * taps + t)[:, None] * (groups * outs) + (group * outs + o)[None, :]
    tl.store(RESULT + at, total.to(RESULT.dtype.element_ty), (i < channels)[:, None] & (o < outs)[None, :])


@triton.jit
def input_gradient(
    X, GRAD, MEETS, COEF, NUMBERS, DX, rows, places, pixels, channels, taps, outs, groups,
    BASIS: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """A tile of pixels and channels of one group."""
    # shape: MEETS (taps, pixels), DX as X; rows = images x pixels
    r = tl.program_id(0).to(tl.int64) * TILE.rows + tl.arange(0, TILE.rows)
    i, k, group = tl.program_id(1) * TILE.columns + tl.arange(0, TILE.columns), tl.arange(0, TILE.depth), tl.program_id(2)
    image, pixel = r // pixels, tl.where(r < rows, r % pixels, -1)
    total = tl.zeros((TILE.rows, TILE.columns), TILE.sum)
    for j in range(BASIS.num_functions):
        back = tl.zeros((TILE.rows, TILE.columns), TILE.sum)
        for step in range(taps * tl.cdiv(outs, TILE.depth)):
            t, o = step % taps, step // taps * TILE.depth + k
            place = tl.load(MEETS + t * pixels + pixel, pixel >= 0, -1)
            at = (image * places + place)[:, None] * (groups * outs) + (group * outs + o)[None, :]
            grad = tl.load(GRAD + at, (place >= 0)[:, None] & (o < outs)[None, :], 0.0)
            at = ((i.to(tl.int64) * BASIS.num_functions + j) * taps + t)[None, :] * (groups * outs)
            weight = tl.load(COEF + at + (group * outs + o)[:, None], (i < channels)[None, :] & (o < outs)[:, None], 0.0)
            back = dot(grad, weight, back, TILE)
        _, slope = functions_of(X, image, pixel, i, group, j, pixels, channels, groups, NUMBERS, BASIS, TILE)
        total += back * slope
    at = r[:, None] * (groups * channels) + (group * channels + i)[None, :]
    tl.store(DX + at, total, (r < rows)[:, None] & (i < channels)[None, :])
