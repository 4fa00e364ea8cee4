"""Every configuration in which the package launches its kernels, as cases to count; and the control beside them."""

from collections.abc import Iterator, Mapping
from typing import Any

import triton.language as tl

from benchmarks.kernels.counting import Case
from benchmarks.kernels.matmul import matmul
from edgewise.ops.rational import triton_kernels as rational

FACTORS = ("half", "tf32")  # of the products: bfloat16 (or float16), TF32
_SIZES = ("rows", "tiles", "groups", "M", "N", "K")  # 32-bit integers when they are arguments


def shipped(factors: str) -> Iterator[Case]:
    """The control first."""
    yield control(factors)
    yield from rational_functions(factors)


def control(factors: str) -> Case:
    """The plain matrix product, in the tile of the large kernels."""
    depth = 64 if factors == "half" else 32
    constants = {"BM": 128, "BN": 256, "BK": depth, "PRECISION": "ieee" if factors == "half" else "tf32"}
    return case(f"matrix product 128 x 256 x {depth}", matmul, factors, constants, 8, 3, 2 * 128 * 256 * depth)


def rational_functions(factors: str) -> Iterator[Case]:
    """Forward and backward, of degrees 5 and 4 in groups of 64 channels."""
    constants = {"WIDTH": 64, "M": 5, "N": 4, "TERMS": False, "T": tl.float32, "TILE": rational.TILE}
    yield case("rational forward", rational._forward, factors, constants, rational.WARPS)
    constants = constants | {"ROUNDS": rational.ROUNDS}
    yield case("rational backward", rational._backward, factors, constants, rational.WARPS)


def case(
    name: str, kernel: Any, factors: str, constants: Mapping[str, Any], warps: int, stages: int = 3, flops: int = 0
) -> Case:
    """Pointers are to bfloat16 or float32, and of sums in several parts to float32."""
    pointer = "*bf16" if factors == "half" else "*fp32"
    known = {"limit": "fp32", "SUMS": "*fp32"} | dict.fromkeys(_SIZES, "i32")
    types = {name: known.get(name, pointer) for name in kernel.arg_names if name not in constants}
    return Case(name, kernel, types, constants, factors, warps, stages, flops)
