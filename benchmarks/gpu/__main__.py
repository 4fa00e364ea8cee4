"""The kernels on this machine's GPU: right, fast and small? One command, at most eight minutes:

    python -m benchmarks.gpu

It compares all kernels with their definitions, times layers and networks beside others, and counts bytes. Then it says
which goals hold. Where there is no GPU it says so and ends. What is done is kept in ``benchmarks/out/gpu.json``, by device
and versions: a call that was stopped or ran out of time goes on with the next one. Tables go to ``benchmarks/out/gpu.md``.
The exit code is 0 if all ran and was right, 1 if something failed, 2 if time ran out. Nothing else should run on the GPU.
Peers take part where they are installed: ``pip install --no-deps pykan==0.2.8 inkan==0.5.2``.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import torch

from benchmarks.gpu import correctness, memory, speed
from benchmarks.gpu.results import Results, failure, here
from benchmarks.gpu.running import (
    Launch,
    Unit,
    in_another_process,
    run_all,
    run_here,
    run_side_by_side,
    without_record,
)
from benchmarks.gpu.tables import report
from edgewise.ops.triton import interpreted, obstacle

OUT = Path(__file__).parents[1] / "out"


def main(words: Sequence[str] | None = None) -> int:
    """Run what has no result yet, and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=8, help="what is not done by then is left for another call")
    parser.add_argument("--again", action="store_true", help="forget the results of this device and these versions")
    parser.add_argument("--out", type=Path, default=OUT / "gpu.json", help="file of the results, beside it the tables")
    parser.add_argument("--key", help=argparse.SUPPRESS)  # told to the processes that work
    parser.add_argument("--units", nargs="+", default=[], help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    device = torch.device("cuda")
    if (why := reason_to_skip(device)) is not None:
        print(f"skipped: {why}")
        return 0
    if options.key:
        units = all_units()
        run_here({name: units[name] for name in options.units}, Results(options.out, options.key), device)
        return 0
    results = Results(options.out.absolute(), here(device))
    results.forget({name for name, record in results.all().items() if options.again or failure(record)})
    left = run_parts(results, in_another_process(results), 60 * options.minutes)
    records = results.all()
    text = report(results.key, records, left)
    options.out.with_suffix(".md").write_text(text)
    print(f"\n{text}")
    return 1 if any(map(failure, records.values())) else 2 if left else 0


def run_parts(results: Results, launch: Launch, seconds: float) -> list[str]:
    """Correctness for half of the time, speed and memory, then the rest of the first; returns what is left over."""
    start, names = time.monotonic(), list(all_units())
    right = [name for name in names if name.startswith("right")]
    run_side_by_side(right, results, launch, start + seconds / 2)
    run_all([name for name in names if name not in right], results, launch, start + seconds)
    run_side_by_side(right, results, launch, start + seconds)
    return without_record(names, results)


def reason_to_skip(device: torch.device) -> str | None:
    """Why there is nothing to measure here; None if there is."""
    if not torch.cuda.is_available():
        return "no GPU is here, or this PyTorch cannot use it (torch.cuda.is_available() is False)"
    if interpreted():
        return f"TRITON_INTERPRET={os.environ['TRITON_INTERPRET']} is set, so that no kernel would run on the GPU: unset it"
    return obstacle(device)


def all_units() -> dict[str, Unit]:
    """By name, in their order."""
    return dict(chain(correctness.units(), speed.units(), memory.units()))


if __name__ == "__main__":
    sys.exit(main())
