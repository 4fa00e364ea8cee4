"""The GPUs that kernels are compiled for here, without one at hand, and how much each does in a clock.

Every rate is per clock and multiprocessor (AMD: compute unit). Where they stand:

- tensor cores of A100, H100: NVIDIA's papers on the two architectures (2020, 2022), tables of peak rates over
  multiprocessors and boost clock; B200: 2.25 (dense bfloat16) and 1.12 (TF32) PFLOP/s of the data sheet over 148
  multiprocessors at 1.85 GHz, rounded to the power of two;
- single instructions: CUDA C++ Programming Guide, "Throughput of Native Arithmetic Instructions"; where a column is not
  known for sure (10.0), that of 9.0;
- registers, shared memory, warps: the same guide, "Technical Specifications per Compute Capability";
- MI300X: AMD CDNA 3 white paper, table of operations a clock and compute unit; one vector instruction of a wave of 64 takes
  a SIMD of 16 lanes four clocks (CDNA 3 instruction set, 2023); 512 registers a lane, 64 KB of local memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass

NVIDIA = {"all": 128, "float": 128, "pair": 64, "integer": 64, "product": 64, "special": 16, "memory": 32}
"""Results a clock of kinds of instructions; ``all`` is what four schedulers issue, ``product`` an integer one (IMAD)."""


@dataclass(frozen=True)
class Target:
    """A GPU: what Triton calls it, and its rates."""

    name: str
    backend: str
    arch: int | str
    warp: int  # threads
    tensor: Mapping[str, int]  # floating-point operations a clock, by the type of the factors
    lanes: Mapping[str, int]  # results a clock, by kind of instruction
    registers: int  # 32 bits each
    shared: int  # bytes
    warps: int  # at most
    stages: int = 9  # at most: of an operand, AMD keeps one in registers and one in local memory

    def occupancy(self, warps: int, registers: int, shared: int) -> int:
        """Warps that live on a multiprocessor at once, of programs of so many warps, registers a thread and bytes."""
        if self.backend == "hip":
            by_registers = 4 * (512 // _up(registers, 8)) // warps  # each of four SIMDs has its own
            by_shared = self.shared // max(1, shared)
        else:
            by_registers = self.registers // (_up(registers, 8) * self.warp * warps)
            by_shared = self.shared // (shared + 1024)  # of which the system takes one KB a program
        return warps * min(self.warps // warps, by_registers, by_shared)


def _up(count: int, unit: int) -> int:
    return -(-max(1, count) // unit) * unit


TARGETS = {
    t.name: t
    for t in (
        Target("sm_80", "cuda", 80, 32, {"tf32": 1024, "half": 2048}, NVIDIA | {"float": 64}, 65536, 164 << 10, 64),
        Target("sm_90", "cuda", 90, 32, {"tf32": 2048, "half": 4096}, NVIDIA, 65536, 228 << 10, 64),
        Target("sm_100", "cuda", 100, 32, {"tf32": 4096, "half": 8192}, NVIDIA, 65536, 228 << 10, 64),
        Target("gfx942", "hip", "gfx942", 64, {"tf32": 1024, "half": 2048}, {"vector": 64}, 131072, 64 << 10, 32, 2),
    )
}
