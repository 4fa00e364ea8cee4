"""Sums of functions over channels, once for each function and tap: matrix products whose one operand is never stored.

Each program owns its tile of results, or one part of the sums in it; a second pass adds the parts. So nothing is atomic,
and a second run gives the same bits. Where a tile starts has 64 bits, offsets within it have 32.
"""

import triton
import triton.language as tl

from edgewise.ops.triton.edges import evaluate


@triton.jit
def dot(a, b, total, TILE: tl.constexpr):
    """Add a product of tiles, in the precision of the layer."""
    return tl.dot(a.to(TILE.sum), b.to(TILE.sum), total, input_precision=TILE.precision, out_dtype=TILE.sum)


@triton.jit
def mixed_sums(
    X, MIX, NUMBERS, MIXED, rows, channels, taps, groups, BASIS: tl.constexpr, TILE: tl.constexpr
):  # fmt: skip
    r""":math:`\sum_c \lambda_{ct} B_j(x_c)`: a tile of rows and all taps, for one function and group."""
    # shape: X (rows, groups, channels), MIX (groups, channels, taps), MIXED (groups, functions, taps, rows)
    row, j = (tl.program_id(0) // BASIS.num_functions).to(tl.int64) * TILE.rows, tl.program_id(0) % BASIS.num_functions
    group = tl.program_id(1)
    m, k, t = tl.arange(0, TILE.rows)[:, None], tl.arange(0, TILE.channels), tl.arange(0, TILE.taps)[None, :]
    X += row * groups * channels + group * channels
    MIX += group * channels * taps
    total = tl.zeros((TILE.rows, TILE.taps), TILE.sum)
    for first in range(0, channels, TILE.channels):
        c = first + k
        x = tl.load(X + m * (groups * channels) + c[None, :], (m < rows - row) & (c[None, :] < channels), 0.0).to(TILE.sum)
        value, _ = evaluate(x, j, group * channels + tl.minimum(c, channels - 1)[None, :], NUMBERS, BASIS)
        mix = tl.load(MIX + c[:, None] * taps + t, (c[:, None] < channels) & (t < taps), 0.0)
        total = dot(value, mix, total, TILE)
    MIXED += ((group * BASIS.num_functions + j).to(tl.int64) * taps + t) * rows + row
    tl.store(MIXED + m, total, (m < rows - row) & (t < taps))


@triton.jit
def input_gradient(
    GRAD, X, MIX, NUMBERS, DX, rows, channels, taps, groups, BASIS: tl.constexpr, TILE: tl.constexpr
):  # fmt: skip
    r""":math:`\sum_j B_j'(x_c) \sum_t \lambda_{ct} g_{jt}`: a tile of rows and channels."""
    # shape: GRAD (groups, functions, taps, rows), the rest as above, DX as X
    row, first, group = tl.program_id(0).to(tl.int64) * TILE.rows, tl.program_id(1) * TILE.channels, tl.program_id(2)
    m, t = tl.arange(0, TILE.rows)[:, None], tl.arange(0, TILE.taps)
    c = first + tl.arange(0, TILE.channels)[None, :]
    start, there = row * groups * channels + group * channels, (m < rows - row) & (c < channels)
    at = m * (groups * channels) + c
    x = tl.load(X + start + at, there, 0.0).to(TILE.sum)
    mix = tl.load(MIX + (group * channels + c) * taps + t[:, None], (c < channels) & (t[:, None] < taps), 0.0)
    total = tl.zeros((TILE.rows, TILE.channels), TILE.sum)
    for j in range(BASIS.num_functions):
        grads = GRAD + (tl.cast(group * BASIS.num_functions + j, tl.int64) * taps + t[None, :]) * rows + row
        grad = tl.load(grads + m, (m < rows - row) & (t[None, :] < taps), 0.0)
        back = dot(grad, mix, tl.zeros((TILE.rows, TILE.channels), TILE.sum), TILE)
        _, slope = evaluate(x, j, group * channels + tl.minimum(c, channels - 1), NUMBERS, BASIS)
        total += back * slope
    tl.store(DX + start + at, total, there)


@triton.jit
def mix_gradient(
    GRAD, X, NUMBERS, DMIX, rows, channels, taps, groups, parts, BASIS: tl.constexpr, TILE: tl.constexpr
):  # fmt: skip
    r""":math:`\sum_{nj} B_j(x_{nc}) g_{njt}` of a tile of channels and all taps, in one part of the rows."""
    # shape: DMIX (parts, groups, channels, taps), the rest as above
    first, group, part = tl.program_id(0) * TILE.channels, tl.program_id(1), tl.program_id(2)
    k, t = tl.arange(0, TILE.rows), tl.arange(0, TILE.taps)[None, :]
    c = first + tl.arange(0, TILE.channels)
    feature = group * channels + tl.minimum(c, channels - 1)[None, :]
    total = tl.zeros((TILE.channels, TILE.taps), TILE.sum)
    steps = tl.cdiv(rows, TILE.rows)
    for step in range(steps * part // parts, steps * (part + 1) // parts):
        row = tl.cast(step, tl.int64) * TILE.rows
        here = k[:, None] < rows - row
        starts = X + row * groups * channels + group * channels
        x = tl.load(starts + k[:, None] * (groups * channels) + c[None, :], here & (c[None, :] < channels), 0.0)
        for j in range(BASIS.num_functions):
            value, _ = evaluate(x.to(TILE.sum), j, feature, NUMBERS, BASIS)
            grads = GRAD + (tl.cast(group * BASIS.num_functions + j, tl.int64) * taps + t) * rows + row
            grad = tl.load(grads + k[:, None], here & (t < taps), 0.0)
            total = dot(tl.trans(value), grad, total, TILE)
    DMIX += (part * groups + group) * channels * taps
    tl.store(DMIX + c[:, None] * taps + t, total, (c[:, None] < channels) & (t < taps))
