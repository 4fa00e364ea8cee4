"""Reading what a compiler made: the instructions of a kernel, and its innermost loops with tensor instructions."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import networkx as nx

_NVIDIA = re.compile(r"/\*[0-9a-f]{4,}\*/\s+(@!?U?P\w+\s+)?([A-Z][\w.]+)(.*);")
_NVIDIA_LABEL = re.compile(r"\s*(\.L_x?_?\w+):")
_AMD = re.compile(r"\s+([a-z]\w+)\s*(.*)")
_AMD_LABEL = re.compile(r"(\.LBB\w+):")
_TENSOR = ("HMMA", "HGMMA", "UTCHMMA", "v_mfma")
_NAMES = {  # of NVIDIA's instructions: those that are none of these count as issued only
    "float": "FADD FMUL FFMA",
    "pair": "FADD2 FMUL2 FFMA2",  # of floats
    "product": "IMAD",
    "special": "MUFU",
    "memory": "LDS STS LDSM STSM LDG STG LDGSTS SHFL LDTM STTM",
    "integer": "IADD3 VIADD LOP3 SHF LEA ISETP FSETP SEL FSEL FMNMX IMNMX PRMT F2FP F2F I2FP F2I PLOP3 P2R R2P",
}
KIND = {name: kind for kind, names in _NAMES.items() for name in names.split()}


@dataclass(frozen=True)
class Instruction:
    """Its name with all suffixes, whether it may not happen, and the label it jumps to."""

    name: str
    guarded: bool
    target: str | None

    @property
    def stem(self) -> str:
        return self.name.split(".")[0]

    @property
    def tensor(self) -> bool:
        return self.name.startswith(_TENSOR)

    @property
    def ends(self) -> bool:
        """Nothing after it happens."""
        return not self.guarded and self.stem in ("EXIT", "BRA", "RET", "s_branch", "s_endpgm")

    @property
    def kind(self) -> str:
        if self.name.startswith("v_"):
            return "matrix" if self.tensor else "vector"
        return KIND.get(self.stem, "other")

    def flops(self) -> int | None:
        """Of one warp (of a warpgroup a quarter); None where the name does not say."""
        if m := re.match(r"HGMMA\.(\d+)x(\d+)x(\d+)", self.name):
            return 2 * int(m[1]) * int(m[2]) * int(m[3]) // 4
        if m := re.match(r"HMMA\.(16)(8)(\d+)\.", self.name) or re.match(r"v_mfma_f32_(\d+)x(\d+)x(\d+)", self.name):
            return 2 * int(m[1]) * int(m[2]) * int(m[3])
        return None


class Listing:
    """The instructions of a kernel in order, from ``nvdisasm -c`` or in AMD's assembly."""

    def __init__(self, text: str):
        self.instructions: list[Instruction] = []
        self.labels: dict[str, int] = {}
        for line in text.splitlines():
            if label := _NVIDIA_LABEL.match(line) or _AMD_LABEL.match(line):
                self.labels[label[1]] = len(self.instructions)
            elif found := _NVIDIA.search(line):
                guarded = (
                    found[1] is not None or re.match(r"\s*!?U?P\d,", found[3]) is not None
                )  # @P0 BRA x, or BRA.U UP0, x
                self._add(found[2], guarded, found[3], r"\.L_x?_?\w+")
            elif found := _AMD.match(line.split(";")[0]):
                self._add(found[1], found[1].startswith("s_cbranch"), found[2], r"\.LBB\w+")

    def _add(self, name: str, guarded: bool, rest: str, label: str) -> None:
        target = re.search(label, rest) if name.startswith(("BRA", "s_branch", "s_cbranch")) else None
        self.instructions.append(Instruction(name, guarded, target[0] if target else None))

    def loops(self) -> list[list[Instruction]]:
        """The innermost loops that hold a tensor instruction, in the order they stand in."""
        graph = nx.DiGraph(self._edges())
        reached = {0, *nx.descendants(graph, 0)}
        found = [body for body in _loops(graph, reached) if any(self.instructions[i].tensor for i in body)]
        inner = [body for body in found if not any(other < body for other in found)]
        return [[self.instructions[i] for i in sorted(body)] for body in sorted(inner, key=min)]

    def _edges(self) -> Iterator[tuple[int, int]]:
        for i, instruction in enumerate(self.instructions):
            if instruction.target in self.labels:
                yield i, self.labels[instruction.target]
            if not instruction.ends and i + 1 < len(self.instructions):
                yield i, i + 1


def _loops(graph: nx.DiGraph, among: set[int]) -> Iterator[set[int]]:
    """What can be reached again from itself; without the places where one enters it, the same again."""
    for body in list(nx.strongly_connected_components(graph.subgraph(among))):
        if len(body) > 1:
            yield body
            entries = {node for node in body if any(p not in body for p in graph.predecessors(node))}
            yield from _loops(graph, body - entries)


def kinds(instructions: Sequence[Instruction]) -> Counter[str]:
    """How many of each kind, and ``all``."""
    count = Counter(i.kind for i in instructions)
    return count + Counter(all=len(instructions))
