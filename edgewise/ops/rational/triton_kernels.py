"""The rational functions as two Triton kernels, one walk over the input each way.

A program has some neighbouring places of one group, so that its coefficients are the same in all lanes. It computes in
float32 where that cannot overflow: with d the larger degree, all powers in P and Q are at most 2^80 while |x|^d is (up to
|x| = 65536 for degrees 5 and 4). If one input is beyond, its tile is computed in float64, as the definition is.

Gradients of coefficients are summed program by program; a second pass adds these sums in float64. So nothing is atomic, and
a second run gives the same bits.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE, WARPS = 512, 4  # places at once
ROUNDS = 8  # tiles that a program of the backward pass has, one after another
LARGEST_POWER = 2.0**80


def forward(x: Tensor, a: Tensor, b: Tensor, terms: bool) -> Tensor:
    """The functions of groups of channels, of the dtype and shape of x."""
    # shape: x (..., C), a (groups, m + 1), b (groups, n)
    x = x.contiguous()
    y = torch.empty_like(x)
    if x.numel():
        grid, settings = _launched(x, a, b, terms)
        _forward[grid](x, a.contiguous(), b.contiguous(), y, *settings, num_warps=WARPS)
    return y


def backward(gradient: Tensor, x: Tensor, a: Tensor, b: Tensor, terms: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of x, a and b, each of their dtype."""
    # shape: gradient and x (..., C), a (groups, m + 1), b (groups, n)
    x = x.contiguous()
    dx = torch.empty_like(x)
    if not x.numel():
        return dx, torch.zeros_like(a), torch.zeros_like(b)
    (tiles, groups), settings = _launched(x, a, b, terms)
    programs = triton.cdiv(tiles, ROUNDS)
    sums = x.new_empty(groups, a.shape[1] + b.shape[1], programs, dtype=torch.promote_types(x.dtype, torch.float32))
    given = gradient.contiguous(), x, a.contiguous(), b.contiguous()
    _backward[programs, groups](*given, dx, sums, tiles, *settings, ROUNDS, num_warps=WARPS)
    da, db = sums.sum(-1, dtype=torch.float64).split([a.shape[1], b.shape[1]], 1)
    return dx, da.to(a.dtype), db.to(b.dtype)


def _launched(x: Tensor, a: Tensor, b: Tensor, terms: bool) -> tuple[tuple[int, int], tuple]:
    """Tiles of a group and groups, and what the kernels are told beside tensors."""
    groups, m, n = len(a), a.shape[1] - 1, b.shape[1]
    rows, width = x.numel() // x.shape[-1], x.shape[-1] // groups
    dtype = tl.float64 if x.dtype == torch.float64 else tl.float32
    limit = LARGEST_POWER ** (1 / max(m, n))
    return (triton.cdiv(rows * width, TILE), groups), (rows, groups, limit, width, m, n, terms, dtype, TILE)


@triton.jit
def _polynomial(c, x, DEGREE: tl.constexpr, ABSOLUTE: tl.constexpr):
    """The polynomial whose coefficients lie at ``c``, and its slope, at points x."""
    value = tl.zeros_like(x)
    slope = tl.zeros_like(x)
    for i in tl.static_range(DEGREE + 1):
        coefficient = tl.load(c + DEGREE - i).to(x.dtype)
        slope = slope * x + value
        value = value * x + (tl.abs(coefficient) if ABSOLUTE else coefficient)
    return value, slope


@triton.jit
def _parts(x, a, b, M: tl.constexpr, N: tl.constexpr, TERMS: tl.constexpr):
    """P and its slope, 1 / Q, the slope of Q, the sign of the sum in it, and of what it is a sum of powers."""
    top, rise = _polynomial(a, x, M, False)
    side = tl.where(x < 0, -1.0, 1.0).to(x.dtype) if TERMS else tl.full(x.shape, 1.0, x.dtype)
    t = x * side
    value, slope = _polynomial(b, t, N - 1, TERMS)
    sign = tl.where(value * t < 0, -1.0, 1.0).to(x.dtype)
    inverse = 1.0 / (1.0 + value * t * sign)
    return top, rise, inverse, sign * side * (slope * t + value), sign, t


@triton.jit
def _value(x, a, b, M: tl.constexpr, N: tl.constexpr, TERMS: tl.constexpr):
    top, _, inverse, _, _, _ = _parts(x, a, b, M, N, TERMS)
    return top * inverse


@triton.jit
def _gradients(x, given, a, b, sums, M: tl.constexpr, N: tl.constexpr, TERMS: tl.constexpr):
    """That of x, and those of a and b added to ``sums``. The given one comes last in products, or they might underflow."""
    top, rise, inverse, slope, sign, t = _parts(x, a, b, M, N, TERMS)
    y = top * inverse
    added = ()
    power = inverse
    for i in tl.static_range(M + 1):
        added = added + (sums[i] + (given * power).to(sums[i].dtype),)
        power *= x
    power = -y * sign * inverse
    for j in tl.static_range(N):
        power *= t
        added = added + (sums[M + 1 + j] + (given * power).to(sums[M + 1 + j].dtype),)
    return (given * (rise * inverse - y * (slope * inverse))).to(sums[0].dtype), added


@triton.jit
def _places(tile, rows, groups, WIDTH: tl.constexpr, TILE: tl.constexpr):
    """Of a tile of one group of ``x (rows, groups, WIDTH)``: its start, its places from there, and which of them exist."""
    first = tl.full((), TILE, tl.int64) * tile
    inside = (first % WIDTH).to(tl.int32) + tl.arange(0, TILE)
    row = first // WIDTH
    start = row * groups * WIDTH + tl.program_id(1) * WIDTH
    return start, inside // WIDTH * (groups * WIDTH) + inside % WIDTH, inside // WIDTH < rows - row


@triton.jit
def _far_out(x, limit):
    if x.dtype == tl.float64:
        return False
    return tl.max(tl.abs(x), 0) > limit


@triton.jit
def _forward(X, A, B, Y, rows, groups, limit, WIDTH: tl.constexpr, M: tl.constexpr, N: tl.constexpr,
             TERMS: tl.constexpr, T: tl.constexpr, TILE: tl.constexpr):  # fmt: skip
    start, at, exists = _places(tl.program_id(0), rows, groups, WIDTH, TILE)
    a, b = A + tl.program_id(1) * (M + 1), B + tl.program_id(1) * N
    x = tl.load(X + start + at, exists, 0.0).to(T)
    if _far_out(x, limit):
        y = _value(x.to(tl.float64), a, b, M, N, TERMS).to(T)
    else:
        y = _value(x, a, b, M, N, TERMS)
    tl.store(Y + start + at, y, exists)


@triton.jit
def _backward(G, X, A, B, DX, SUMS, tiles, rows, groups, limit, WIDTH: tl.constexpr, M: tl.constexpr,
              N: tl.constexpr, TERMS: tl.constexpr, T: tl.constexpr, TILE: tl.constexpr, ROUNDS: tl.constexpr):  # fmt: skip
    group, programs = tl.program_id(1), tl.num_programs(0)
    a, b = A + group * (M + 1), B + group * N
    sums = ()
    for _ in tl.static_range(M + 1 + N):
        sums = sums + (tl.zeros((TILE,), T),)
    first = tl.program_id(0) * ROUNDS
    for tile in range(first, min(first + ROUNDS, tiles)):
        start, at, exists = _places(tile, rows, groups, WIDTH, TILE)
        x = tl.load(X + start + at, exists, 0.0).to(T)
        given = tl.load(G + start + at, exists, 0.0).to(T)
        if _far_out(x, limit):
            dx, sums = _gradients(x.to(tl.float64), given.to(tl.float64), a, b, sums, M, N, TERMS)
        else:
            dx, sums = _gradients(x, given, a, b, sums, M, N, TERMS)
        tl.store(DX + start + at, dx, exists)
    for i in tl.static_range(M + 1 + N):
        total = tl.sum(sums[i], 0)
        if TERMS and i > M:
            total = tl.where(tl.load(b + i - M - 1) < 0, -total, total)
        tl.store(SUMS + (group * (M + 1 + N) + i) * programs + tl.program_id(0), total)
