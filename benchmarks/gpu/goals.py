"""What was asked of the first GPU that runs the kernels, and whether it holds by what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from benchmarks.gpu.memory import LINEAR
from benchmarks.gpu.results import Record, failure
from benchmarks.gpu.speed import MATMULS, OURS

Verdict = Literal["holds", "falls short", "not measured"]


@dataclass(frozen=True)
class Goal:
    """Ours is at most so many times another's, or at most so much.

    Args:
        what: Of which workload, in words.
        unit: Whose record says it.
        number: Which of its numbers: ``ms`` or ``saved``.
        most: The largest number that holds.
        against: Whose number ours is divided by; None for ours as it is.
    """

    what: str
    unit: str
    number: str
    most: float
    against: str | None = None

    def judge(self, records: Mapping[str, Record]) -> tuple[Verdict, str]:
        """The verdict, and the numbers or the reason."""
        if self.unit not in records:
            return "not measured", "time ran out: call again"
        if (why := failure(records[self.unit])) is not None:
            return "not measured", why
        found = {}
        for name in (OURS, self.against) if self.against else (OURS,):
            row = records[self.unit]["rows"].get(name, {"note": "did not take part"})
            if self.number not in row:
                return "not measured", f"{name}: {row.get('note', f'no {self.number}')}"
            found[name] = row[self.number]
        ours, asked = found[OURS], f"at most {self.most:g}"
        if self.against is None:
            return self._verdict(ours), f"{_said(ours, self.number)}, asked for {asked} {self.number}"
        theirs = found[self.against]
        numbers = f"{_said(ours, self.number)} against {_said(theirs, self.number)}"
        return self._verdict(ours / theirs), f"{ours / theirs:.2f}x, {numbers}, asked for {asked}x"

    def _verdict(self, value: float) -> Verdict:
        return "holds" if value <= self.most else "falls short"


def _said(value: float, number: str) -> str:
    return f"{value:.4g} ms" if number == "ms" else f"{value / 1e6:.2f} MB"


LAYER = "4096 x 1024 -> 1024, G = 5"
GOALS = [
    *(
        Goal(f"{LAYER}, {numbers}, step beside {MATMULS}", f"speed: wide layer, step, {numbers}", "ms", 1.25, MATMULS)
        for numbers in ("bfloat16", "TF32")
    ),
    *(
        Goal(f"{LAYER}, {dtype}, saved beside nn.Linear", f"memory: wide layer, {dtype}", "saved", 1.0, LINEAR)
        for dtype in ("bfloat16", "float32")
    ),
    *(
        Goal(f"256 x 784 -> 64, {numbers}, forward", f"speed: small layer, forward, {numbers}", "ms", 0.05)
        for numbers in ("bfloat16", "TF32")
    ),
    Goal(
        "ViT-Tiny with learned attention beside softmax written out, step",
        "speed: ViT-Tiny, step", "ms", 1.2, "softmax, written out",
    ),
    Goal("ALL U-KAN beside U-KAN, step", "speed: ALL U-KAN, step", "ms", 1.0, "ukan"),
]  # fmt: skip
