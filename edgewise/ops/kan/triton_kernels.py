# type: ignore  # Triton's language, of which a type checker of Python knows nothing
"""The edge sum as three matrix products whose one operand, the functions of x, is evaluated where it is needed.

No two programs add to one number: each walks the sums of its own tile of results, or one part of them. Offsets within a
tile have 32 bits, where a tile starts has 64. The base branch is a basis of one function, with other strides.
"""

import triton
import triton.language as tl

from edgewise.ops.triton.edges import evaluate


@triton.jit(do_not_specialize=["rows", "parts"])
def edge_sum(
    X, COEF, BASE, NUMBERS, Y, rows, ins, outs, parts,
    BASIS: tl.constexpr, BASE_BASIS: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    r""":math:`y_o = \sum_{ij} B_j(x_i) c_{ijo} + \sum_i b(x_i) w_{oi}`: a tile of rows and outputs."""
    # shape: X (rows, ins), COEF (ins, functions, outs), BASE (outs, ins) or None, Y (parts, rows, outs)
    row, out = tl.program_id(0).to(tl.int64) * TILE.rows, tl.program_id(1).to(tl.int64) * TILE.columns
    part = tl.program_id(2)
    X += row * ins
    total = tl.zeros((TILE.rows, TILE.columns), TILE.sum)
    total = add_products(
        total, X, COEF + out, NUMBERS, rows - row, ins, outs - out, BASIS.num_functions * outs, outs, 1, part, parts,
        BASIS, TILE,
    )  # fmt: skip
    if BASE is not None:
        total = add_products(
            total, X, BASE + out * ins, NUMBERS, rows - row, ins, outs - out, 1, 0, ins, part, parts, BASE_BASIS, TILE
        )
    m, n = tl.arange(0, TILE.rows)[:, None], tl.arange(0, TILE.columns)[None, :]
    Y += (part * rows.to(tl.int64) + row) * outs + out
    tl.store(Y + m * outs + n, total.to(Y.dtype.element_ty), (m < rows - row) & (n < outs - out))


@triton.jit
def add_products(
    total, X, WEIGHT, NUMBERS, rows, ins, outs, per_input, per_function, per_output, part, parts,
    BASIS: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Add one part of the sum over inputs and functions; a step takes one function of some inputs."""
    m, n, k = tl.arange(0, TILE.rows)[:, None], tl.arange(0, TILE.columns)[None, :], tl.arange(0, TILE.depth)
    steps = tl.cdiv(ins, TILE.depth) * BASIS.num_functions
    for step in range(steps * part // parts, steps * (part + 1) // parts):
        first, j = step // BASIS.num_functions * TILE.depth, step % BASIS.num_functions
        i = first + k
        x = tl.load(X + m * ins + i[None, :], (m < rows) & (i[None, :] < ins), 0.0).to(TILE.sum)
        value, _ = evaluate(x, j, tl.minimum(i, ins - 1)[None, :], NUMBERS, BASIS)
        weights = WEIGHT + tl.cast(first, tl.int64) * per_input + j * per_function
        weight = tl.load(weights + k[:, None] * per_input + n * per_output, (i[:, None] < ins) & (n < outs), 0.0)
        total = dot(value, weight, total, TILE)
    return total


@triton.jit(do_not_specialize=["rows", "parts", "part_size"])
def weight_gradient(
    X, GRAD, NUMBERS, RESULT, rows, ins, outs, per_input, per_function, per_output, part_size, parts,
    BASIS: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    r""":math:`\sum_n B_j(x_{ni}) g_{no}`: for one function a tile of inputs and outputs."""
    # shape: X (rows, ins), GRAD (rows, outs), RESULT once for each part as the weights
    first, j = tl.program_id(0) // BASIS.num_functions * TILE.rows, tl.program_id(0) % BASIS.num_functions
    out, part = tl.program_id(1) * TILE.columns, tl.program_id(2)
    i, o, k = first + tl.arange(0, TILE.rows), out + tl.arange(0, TILE.columns), tl.arange(0, TILE.depth)
    total = tl.zeros((TILE.rows, TILE.columns), TILE.sum)
    steps = tl.cdiv(rows, TILE.depth)
    for step in range(steps * part // parts, steps * (part + 1) // parts):
        row = tl.cast(step, tl.int64) * TILE.depth
        here = k[:, None] < rows - row
        x = tl.load(X + row * ins + k[:, None] * ins + i[None, :], here & (i[None, :] < ins), 0.0).to(TILE.sum)
        value, _ = evaluate(x, j, tl.minimum(i, ins - 1)[None, :], NUMBERS, BASIS)
        grad = tl.load(GRAD + row * outs + k[:, None] * outs + o[None, :], here & (o[None, :] < outs), 0.0)
        total = dot(tl.trans(value), grad, total, TILE)
    RESULT += part * tl.cast(part_size, tl.int64) + tl.cast(first, tl.int64) * per_input + j * per_function
    m, there = tl.arange(0, TILE.rows)[:, None], (i[:, None] < ins) & (o[None, :] < outs)
    tl.store(RESULT + m * per_input + o[None, :] * per_output, total.to(RESULT.dtype.element_ty), there)


@triton.jit(do_not_specialize=["rows", "parts"])
def input_gradient(
    X, GRAD, WEIGHT, NUMBERS, BEFORE, RESULT, rows, ins, outs, per_input, per_function, per_output, parts,
    BASIS: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    r""":math:`\sum_j B_j'(x_i) \sum_o g_o c_{ijo}`, added to what was BEFORE: a tile of rows and inputs.

    The columns of the product are functions of inputs, TILE.functions of each, so that it is one walk over the outputs and
    the slopes are met at its end; more functions than that take more walks.
    """
    # shape: X (rows, ins), GRAD (rows, outs), WEIGHT by its strides, BEFORE (rows, ins) or None, RESULT (parts, rows, ins)
    INS: tl.constexpr = TILE.columns // TILE.functions
    row, first = tl.program_id(0).to(tl.int64) * TILE.rows, tl.program_id(1).to(tl.int64) * INS
    part = tl.program_id(2)
    m, n = tl.arange(0, TILE.rows)[:, None], tl.arange(0, INS)[None, :]
    there = (m < rows - row) & (n < ins - first)
    GRAD += row * outs
    at = (row + m) * ins + first + n
    total = tl.zeros((TILE.rows, INS), TILE.sum)
    for start in range(0, BASIS.num_functions, TILE.functions):
        weights = WEIGHT + first * per_input + start * per_function
        back = pulled_back(
            GRAD, weights, rows - row, ins - first, BASIS.num_functions - start, outs, per_input, per_function, per_output,
            part, parts, TILE,
        )  # fmt: skip
        back = back.reshape(TILE.rows, TILE.functions, INS)
        x = tl.load(X + at, there, 0.0).to(TILE.sum)  # again: registers are dear
        for f in tl.static_range(TILE.functions):
            mine = tl.arange(0, TILE.functions)[None, :, None] == f
            j = tl.minimum(start + f, BASIS.num_functions - 1)  # beyond the last one, nothing is pulled back
            _, slope = evaluate(x, j, tl.minimum(first + n, ins - 1), NUMBERS, BASIS)
            total += tl.sum(tl.where(mine, back, -0.0), 1) * slope  # adding -0.0 is nothing, also to a compiler
    if BEFORE is not None:  # noqa: SIM102 (known when it is compiled, the part when it runs)
        if part == 0:
            total += tl.load(BEFORE + at, there, 0.0)
    RESULT += part * rows.to(tl.int64) * ins
    tl.store(RESULT + at, total.to(RESULT.dtype.element_ty), there)


@triton.jit
def pulled_back(
    GRAD, WEIGHT, rows, ins, functions, outs, per_input, per_function, per_output, part, parts, TILE: tl.constexpr
):  # fmt: skip
    """The gradient of the values of functions, ``sum_o g_o c_ijo``: one part of the sum."""
    m, n, k = tl.arange(0, TILE.rows)[:, None], tl.arange(0, TILE.columns), tl.arange(0, TILE.depth)
    INS: tl.constexpr = TILE.columns // TILE.functions
    i, j = n % INS, n // INS
    weights = WEIGHT + (i * per_input + j * per_function)[None, :] + k[:, None] * per_output
    exists = ((i < ins) & (j < functions))[None, :]
    total = tl.zeros((TILE.rows, TILE.columns), TILE.sum)
    steps = tl.cdiv(outs, TILE.depth)
    for step in range(steps * part // parts, steps * (part + 1) // parts):
        out = step * TILE.depth
        grad = tl.load(GRAD + m * outs + out + k[None, :], (m < rows) & (k[None, :] < outs - out), 0.0)
        weight = tl.load(weights + tl.cast(out, tl.int64) * per_output, exists & (k[:, None] < outs - out), 0.0)
        total = dot(grad, weight, total, TILE)
    return total


@triton.jit
def dot(a, b, total, TILE: tl.constexpr):
    """Add a product of tiles, in the precision of the layer."""
    return tl.dot(a.to(TILE.product), b.to(TILE.product), total, input_precision=TILE.precision, out_dtype=TILE.sum)
