"""The table of docs/kernels.md: what the kernels for GPUs cost, counted from their compiled code, without a GPU.

    python -m benchmarks.kernels [--target NAME ...] [--widest] [--json]

It needs Triton, which PyTorch's wheels for Linux bring. The table goes to ``benchmarks/out/kernels.md``.
"""

import argparse
import json
from pathlib import Path

from benchmarks.kernels.counting import count
from benchmarks.kernels.shipped import FACTORS, shipped
from benchmarks.kernels.targets import TARGETS

HEAD = (
    "| kernel | factors | target | registers | spilled B | shared KB | warps | instructions | tensor | bound |\n"
    "|---|---|---|---:|---:|---:|---:|---:|---:|---:|"
)


def line(row: dict) -> str:
    bound = "" if row["bound"] is None else f"{row['bound']:.0%}"
    cells = [row[name] for name in ("kernel", "factors", "target", "registers", "spilled")]
    cells += [row["shared"] >> 10, row["warps"], row["instructions"], row["tensor instructions"], bound]
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", action="append", choices=TARGETS, help="a GPU; all of them if left out")
    parser.add_argument("--widest", action="store_true", help="of each kernel the widest tiles alone")
    parser.add_argument("--json", action="store_true", help="rows in JSON, one a line, and no file")
    words = parser.parse_args()
    lines = [HEAD]
    for name in words.target or TARGETS:
        for factors in FACTORS:
            for case in shipped(factors, TARGETS[name].backend == "hip", words.widest):
                row = count(case, TARGETS[name]).row()
                lines.append(line(row))
                print(json.dumps(row) if words.json else lines[-1], flush=True)
    if not words.json:
        out = Path(__file__).parent.parent / "out"
        out.mkdir(exist_ok=True)
        (out / "kernels.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
