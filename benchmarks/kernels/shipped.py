"""Every configuration in which the package launches its kernels, as cases to count; and the control beside them."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
import triton.language as tl

from benchmarks.kernels.counting import Case
from benchmarks.kernels.matmul import matmul
from edgewise.bases import Basis, BSpline
from edgewise.ops.kan import triton_kernels as kan
from edgewise.ops.kan.triton_launch import TYPES, Tile
from edgewise.ops.rational import triton_kernels as rational
from edgewise.ops.triton.base_functions import BASE_FUNCTIONS
from edgewise.ops.triton.functions import BasisKernel, kernel_of
from edgewise.ops.triton.tiles import TILES, Tiles, functions_at_once, on_amd

FACTORS = {"half": torch.bfloat16, "tf32": torch.float32}
"""What is multiplied: bfloat16 (or float16), TF32."""
SPLINES = BSpline(5)
_KERNELS = {"forward": kan.edge_sum, "weights": kan.weight_gradient, "input": kan.input_gradient}
_SIZES = (
    "rows",
    "ins",
    "outs",
    "parts",
    "part_size",
    "per_input",
    "per_function",
    "per_output",
    "tiles",
    "groups",
    "M",
    "N",
    "K",
)


def shipped(factors: str, amd: bool, widest: bool = False) -> Iterator[Case]:
    """The control first; of tiles all, or the widest of each kernel."""
    yield control(factors)
    for name, half in TILES:
        for tiles in TILES[name, half][: 1 if widest else None] if half == (factors == "half") else ():
            tiles = on_amd(tiles) if amd else tiles
            yield edge_sum(name, tiles, factors)
            if name == "input" and not widest:
                yield edge_sum(name, tiles, factors, base=True)
    if factors == "tf32" and not widest:  # which computes in float32 whatever it is given
        yield from rational_functions(factors)


def control(factors: str) -> Case:
    """The plain matrix product, in the tile of the large kernels."""
    depth = 64 if factors == "half" else 32
    constants = {"BM": 128, "BN": 256, "BK": depth, "PRECISION": "ieee" if factors == "half" else "tf32"}
    return case(f"matrix product 128 x 256 x {depth}", matmul, factors, constants, 8, 3, 2 * 128 * 256 * depth)


def edge_sum(name: str, tiles: Tiles, factors: str, basis: Basis = SPLINES, base: bool = False) -> Case:
    """A kernel of a fully connected layer: cubic splines on 5 cells with SiLU beside them; or that of the base alone."""
    made = kernel_of(basis)
    assert made is not None, "a basis without a kernel"
    silu = BasisKernel(1, BASE_FUNCTIONS["silu"])
    told = silu if base else made[0]
    functions = functions_at_once(told.num_functions) if name == "input" else 1
    precision, product = "ieee" if factors == "half" else "tf32", TYPES[FACTORS[factors]]
    tile = Tile(tiles.rows, tiles.columns, tiles.depth, tl.float32, product, precision, functions)
    constants = {"BASIS": told, "BASE_BASIS": silu, "TILE": tile} | ({"per_input": 1} if base else {"per_output": 1})
    if base:  # the first of the two parts
        constants["BEFORE"] = None
    constants = {n: constant for n, constant in constants.items() if n in _KERNELS[name].arg_names}
    size = f"{tiles.rows} x {tiles.columns} x {tiles.depth}"
    flops = 2 * tiles.rows * tiles.columns * tiles.depth
    title = f"{name}{' of the base' if base else ''} {size}"
    return case(title, _KERNELS[name], factors, constants, tiles.warps, tiles.stages, flops)


def rational_functions(factors: str) -> Iterator[Case]:
    """Forward and backward, of degrees 5 and 4 in groups of 64 channels."""
    constants = {"WIDTH": 64, "M": 5, "N": 4, "TERMS": False, "T": tl.float32, "TILE": rational.TILE}
    yield case("rational forward", rational._forward, factors, constants, rational.WARPS)
    constants = constants | {"ROUNDS": rational.ROUNDS}
    yield case("rational backward", rational._backward, factors, constants, rational.WARPS)


def case(
    name: str, kernel: Any, factors: str, constants: Mapping[str, Any], warps: int, stages: int = 3, flops: int = 0
) -> Case:
    """Pointers are to bfloat16 or float32; the numbers of a basis and sums in several parts are float32."""
    pointer = "*bf16" if factors == "half" else "*fp32"
    known = {"limit": "fp32"} | dict.fromkeys(("SUMS", "NUMBERS", "BEFORE"), "*fp32") | dict.fromkeys(_SIZES, "i32")
    if kernel is kan.input_gradient:
        known["RESULT"] = "*fp32"
    types = {name: known.get(name, pointer) for name in kernel.arg_names if name not in constants}
    return Case(name, kernel, types, constants, factors, warps, stages, flops)
