"""Sums over functions of scores, a tile of scores at a time: they are never stored, and each pass makes them anew.

A program owns what it writes. The gradient of the functions' weights is a sum over images, which a second pass adds. So
nothing is atomic, and a second run gives the same bits.
"""

import triton
import triton.language as tl

from edgewise.ops.triton.circle import cosine_and_sine
from edgewise.ops.triton.edges import evaluate


@triton.jit
def chebyshev(x, j: tl.constexpr, feature, NUMBERS, SETTINGS: tl.constexpr):
    """By recurrence, of which a compiler shares the steps between all j."""
    stretch = tl.load(NUMBERS + 3)
    t = (x - tl.load(NUMBERS + 2)) * stretch
    last = tl.where(t == t, 1.0, t)
    now, last_slope, slope = t, t * 0, last
    for _ in tl.static_range(j):
        following = 2 * t * now - last
        following_slope = 2 * (now + t * slope) - last_slope
        last, now, last_slope, slope = now, following, slope, following_slope
    return last, last_slope * stretch


@triton.jit
def fourier(x, j: tl.constexpr, feature, NUMBERS, SETTINGS: tl.constexpr):
    """By turning on by the first angle, of which a compiler shares the steps between all j."""
    FREQUENCIES: tl.constexpr = SETTINGS[0]
    per_turn = tl.load(NUMBERS + 3)
    first_cosine, first_sine = cosine_and_sine((x - tl.load(NUMBERS + 2)) * per_turn)
    cosine, sine = first_cosine, first_sine
    for _ in tl.static_range(j % FREQUENCIES):
        turned = cosine * first_cosine - sine * first_sine
        sine = sine * first_cosine + cosine * first_sine
        cosine = turned
    rate = per_turn * (6.283185307179586 * (j % FREQUENCIES + 1))
    if j < FREQUENCIES:
        return cosine, -rate * sine
    return sine, rate * cosine


@triton.jit
def function(scores, j: tl.constexpr, feature, NUMBERS, BASIS: tl.constexpr, BASE: tl.constexpr):
    """Function j of the basis, or the base, which comes after the last one: its value and its slope."""
    if j < BASIS.num_functions:
        return evaluate(scores, j, feature, NUMBERS, BASIS)
    return BASE.function(scores, j, feature, NUMBERS, BASE.settings)


@triton.jit
def block(X, first, count, step, width, TILE: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Some rows of a matrix, zeros where it has none."""
    row, column = first + tl.arange(0, ROWS)[:, None], tl.arange(0, COLUMNS)[None, :]
    return tl.load(X + row * step + column, (row < count) & (column < width), 0.0).to(TILE.sum)


@triton.jit
def store_block(X, values, first, count, step, width):
    """Those of some rows that the matrix has."""
    row, column = first + tl.arange(0, values.shape[0])[:, None], tl.arange(0, values.shape[1])[None, :]
    tl.store(X + row * step + column, values, (row < count) & (column < width))


@triton.jit
def dot(a, b, total, TILE: tl.constexpr):
    """Add a product of tiles, in the precision of the layer."""
    return tl.dot(a, b, total, input_precision=TILE.precision, out_dtype=TILE.sum)


@triton.jit
def product(a, b, TILE: tl.constexpr):
    """The same without anything to add it to."""
    return tl.dot(a, b, input_precision=TILE.precision, out_dtype=TILE.sum)


@triton.jit
def at(X, image, head, image_step, head_step):
    """Where the matrix of one head of one image starts."""
    return X + image.to(tl.int64) * image_step + head * head_step


@triton.jit
def functions_sum(
    Q, K, WEIGHTS, NUMBERS, HIDDEN, scale, heads, rows, keys, width, rank, q_image, q_head, q_row, k_image, k_head, k_row,
    BASIS: tl.constexpr, BASE: tl.constexpr, FUNCTIONS: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    r""":math:`\sum_{kj} B_j(s\, q \cdot k_k) c_{kj}` of some rows of one head of one image."""
    # shape: Q (images, heads, rows, width), K (images, heads, keys, width), WEIGHTS (heads, keys, functions, rank),
    # HIDDEN (images, heads, rows, rank)
    tiles = tl.cdiv(rows, TILE.rows)
    both, first = tl.program_id(0) // tiles, tl.program_id(0) % tiles * TILE.rows
    image, head = both // heads, both % heads
    q = block(at(Q, image, head, q_image, q_head), first, rows, q_row, width, TILE, TILE.rows, TILE.width)
    K = at(K, image, head, k_image, k_head)
    WEIGHTS += head.to(tl.int64) * keys * FUNCTIONS * rank
    total = tl.zeros((TILE.rows, TILE.rank), TILE.sum)
    for key in range(0, keys, TILE.keys):
        k = block(K, key, keys, k_row, width, TILE, TILE.keys, TILE.width)
        scores = product(q, tl.trans(k), TILE) * scale
        feature = head * keys + tl.minimum(key + tl.arange(0, TILE.keys), keys - 1)[None, :]
        for j in tl.static_range(FUNCTIONS):
            value, _ = function(scores, j, feature, NUMBERS, BASIS, BASE)
            weight = block(WEIGHTS + j * rank, key, keys, FUNCTIONS * rank, rank, TILE, TILE.keys, TILE.rank)
            total = dot(value, weight, total, TILE)
    store_block(HIDDEN + both.to(tl.int64) * rows * rank, total, first, rows, rank, rank)


@triton.jit
def queries_gradient(
    GRAD, Q, K, WEIGHTS, NUMBERS, DQ, scale, heads, rows, keys, width, rank,
    q_image, q_head, q_row, k_image, k_head, k_row, dq_image, dq_head, dq_row,
    BASIS: tl.constexpr, BASE: tl.constexpr, FUNCTIONS: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Of some rows of one head of one image, given that of the sums (GRAD, as HIDDEN)."""
    tiles = tl.cdiv(rows, TILE.rows)
    both, first = tl.program_id(0) // tiles, tl.program_id(0) % tiles * TILE.rows
    image, head = both // heads, both % heads
    q = block(at(Q, image, head, q_image, q_head), first, rows, q_row, width, TILE, TILE.rows, TILE.width)
    grad = block(GRAD + both.to(tl.int64) * rows * rank, first, rows, rank, rank, TILE, TILE.rows, TILE.rank)
    K = at(K, image, head, k_image, k_head)
    WEIGHTS += head.to(tl.int64) * keys * FUNCTIONS * rank
    total = tl.zeros((TILE.rows, TILE.width), TILE.sum)
    for key in range(0, keys, TILE.keys):
        k = block(K, key, keys, k_row, width, TILE, TILE.keys, TILE.width)
        scores = product(q, tl.trans(k), TILE) * scale
        feature = head * keys + tl.minimum(key + tl.arange(0, TILE.keys), keys - 1)[None, :]
        back = tl.zeros_like(scores)
        for j in tl.static_range(FUNCTIONS):
            _, slope = function(scores, j, feature, NUMBERS, BASIS, BASE)
            weight = block(WEIGHTS + j * rank, key, keys, FUNCTIONS * rank, rank, TILE, TILE.keys, TILE.rank)
            back += product(grad, tl.trans(weight), TILE) * slope
        total = dot(back, k, total, TILE)
    store_block(at(DQ, image, head, dq_image, dq_head), total * scale, first, rows, dq_row, width)


@triton.jit
def keys_gradient(
    GRAD, Q, K, WEIGHTS, NUMBERS, DK, DWEIGHTS, scale, heads, rows, keys, width, rank,
    q_image, q_head, q_row, k_image, k_head, k_row, dk_image, dk_head, dk_row,
    BASIS: tl.constexpr, BASE: tl.constexpr, FUNCTIONS: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Of some keys of one head of one image, and what this image adds to that of their weights."""
    # shape: DWEIGHTS (images, heads, keys, functions, rank)
    tiles = tl.cdiv(keys, TILE.keys)
    both, first = tl.program_id(0) // tiles, tl.program_id(0) % tiles * TILE.keys
    image, head = both // heads, both % heads
    k = block(at(K, image, head, k_image, k_head), first, keys, k_row, width, TILE, TILE.keys, TILE.width)
    feature = head * keys + tl.minimum(first + tl.arange(0, TILE.keys), keys - 1)[:, None]
    Q = at(Q, image, head, q_image, q_head)
    GRAD += both.to(tl.int64) * rows * rank
    WEIGHTS += head.to(tl.int64) * keys * FUNCTIONS * rank
    total = tl.zeros((TILE.keys, TILE.width), TILE.sum)
    sums = ()
    for _ in tl.static_range(FUNCTIONS):
        sums = sums + (tl.zeros((TILE.keys, TILE.rank), TILE.sum),)
    for row in range(0, rows, TILE.rows):
        q = block(Q, row, rows, q_row, width, TILE, TILE.rows, TILE.width)
        grad = block(GRAD, row, rows, rank, rank, TILE, TILE.rows, TILE.rank)
        scores = product(k, tl.trans(q), TILE) * scale
        back = tl.zeros_like(scores)
        added = ()
        for j in tl.static_range(FUNCTIONS):
            value, slope = function(scores, j, feature, NUMBERS, BASIS, BASE)
            weight = block(WEIGHTS + j * rank, first, keys, FUNCTIONS * rank, rank, TILE, TILE.keys, TILE.rank)
            back += product(weight, tl.trans(grad), TILE) * slope
            added = added + (dot(value, grad, sums[j], TILE),)
        sums = added
        total = dot(back, q, total, TILE)
    store_block(at(DK, image, head, dk_image, dk_head), total * scale, first, keys, dk_row, width)
    DWEIGHTS += both.to(tl.int64) * keys * FUNCTIONS * rank
    for j in tl.static_range(FUNCTIONS):
        store_block(DWEIGHTS + j * rank, sums[j], first, keys, FUNCTIONS * rank, rank)
