"""Compile a kernel for a GPU that is not here, and count what it costs there.

The bound is an upper one on the share of the speed of a matrix product with as many parameters: with the clocks that the
tensor cores need for a step of the inner loop, and those that everything else needs to be issued, ``tensor / max(tensor,
issue)``. Memory, latencies and what waits for what are not in it.
"""

import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from benchmarks.kernels.assembly import Instruction, Listing, kinds
from benchmarks.kernels.targets import Target

_TOOLS = Path(triton.__file__).parent / "backends/nvidia/bin"


@dataclass(frozen=True)
class Case:
    """A kernel and all that its compilation depends on: types of its arguments, its constants, warps and stages."""

    name: str
    kernel: Any
    types: Mapping[str, str]  # as Triton writes them, such as *bf16 or i32; what is not here is a constant
    constants: Mapping[str, Any]
    factors: str  # of the tensor instructions: tf32 or half
    warps: int
    stages: int
    flops: int = 0  # of a step of the inner loop, for targets whose tensor instructions do not tell
    options: Mapping[str, Any] = field(default_factory=dict)

    def compiled(self, target: Target) -> Any:
        """What Triton makes of it; pointers and sizes are multiples of 16, as Triton itself finds when it is launched."""
        types = {name: self.types.get(name, "constexpr") for name in self.kernel.arg_names}
        whole = [
            p.num for p in self.kernel.params if types[p.name] not in ("constexpr", "fp32") and not p.do_not_specialize
        ]
        source = ASTSource(
            fn=self.kernel, signature=types, constexprs=dict(self.constants),
            attrs={(i,): [["tt.divisibility", 16]] for i in whole},
        )  # fmt: skip
        options = {"num_warps": self.warps, "num_stages": min(self.stages, target.stages), **self.options}
        return triton.compile(source, target=GPUTarget(target.backend, target.arch, target.warp), options=options)


@dataclass(frozen=True)
class Count:
    """What a compiled kernel uses, and what a step of its inner loop costs on its target."""

    case: Case
    target: Target
    registers: int
    spilled: int  # bytes a thread
    shared: int  # bytes a program
    text: str  # PTX, or AMD's assembly
    listing: Listing

    @property
    def occupancy(self) -> int:
        """Warps that live on a multiprocessor at once."""
        return self.target.occupancy(self.case.warps, self.registers, self.shared)

    @cached_property
    def step(self) -> list[Instruction]:
        """The instructions of one step of the inner loop, the first where there are several; none if there is none."""
        return next(iter(self.listing.loops()), [])

    @property
    def tensor_instructions(self) -> int:
        return sum(i.tensor for i in self.step)

    @property
    def issue_clocks(self) -> float:
        """Of a step: as long as the busiest kind of instruction takes to issue."""
        count, threads = kinds(self.step), self.case.warps * self.target.warp
        return max(count[kind] * threads / lanes for kind, lanes in self.target.lanes.items())

    @property
    def tensor_clocks(self) -> float:
        """Of a step: as long as the tensor cores take; by the names of their instructions, or by the tile."""
        known = [i.flops() for i in self.step if i.tensor]
        flops = self.case.flops if None in known else sum(known) * self.case.warps
        return flops / self.target.tensor[self.case.factors]

    @property
    def bound(self) -> float | None:
        """At most this share of the speed of a matrix product with as many parameters; None where there is no product."""
        return self.tensor_clocks / max(self.tensor_clocks, self.issue_clocks) if self.step else None

    @property
    def atomics(self) -> bool:
        return re.search(r"\b(atom|red)\.|_atomic_", self.text) is not None

    def row(self) -> dict[str, Any]:
        """As a row of a table."""
        return {
            "kernel": self.case.name, "factors": self.case.factors, "target": self.target.name,
            "registers": self.registers, "spilled": self.spilled, "shared": self.shared, "warps": self.occupancy,
            "instructions": len(self.step), "tensor instructions": self.tensor_instructions,
            "issue": self.issue_clocks, "tensor": self.tensor_clocks, "bound": self.bound, "atomics": self.atomics,
        }  # fmt: skip


def count(case: Case, target: Target) -> Count:
    """Compile a kernel for a target and count."""
    made = case.compiled(target)
    if target.backend == "hip":
        text = made.asm["amdgcn"]
        facts = dict(re.findall(r"\.(\w+_count|private_segment_fixed_size):\s+(\d+)", text))
        registers, spilled = int(facts["vgpr_count"]), int(facts["private_segment_fixed_size"])
        return Count(case, target, registers, spilled, made.metadata.shared, text, Listing(text))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.cubin"
        path.write_bytes(made.asm["cubin"])
        usage = _tool("cuobjdump", "--dump-resource-usage", path)
        listing = Listing(_tool("nvdisasm", "-c", path))
    registers, stack, local = map(int, re.search(r"REG:(\d+) STACK:(\d+) .*LOCAL:(\d+)", usage).groups())
    return Count(case, target, registers, stack + local, made.metadata.shared, made.asm["ptx"], listing)


def _tool(name: str, *words: str | Path) -> str:
    return subprocess.run([_TOOLS / name, *words], capture_output=True, text=True, check=True).stdout
