"""Units of work one after another, each of whose failures costs nothing but itself.

They run in another process. A kernel that writes where it must not leaves a process in which nothing on the GPU works any
more, and a compiler may take its process down with it. So the process ends there, that unit has failed, and a new process
goes on with the next one.
"""

import os
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from benchmarks.gpu.results import Record, Results, failure
from edgewise import EdgewiseWarning

Unit = Callable[[torch.device], Record]
ROOT = Path(__file__).parents[2]


Launch = Callable[[Sequence[str], float], int | None]
"""Runs units in another process, for so many seconds at most; returns its exit code, or None if time ran out."""


def run_all(names: Sequence[str], results: Results, launch: Launch, end: float) -> None:
    """Run all units that have no record, one after another, until all have one or it is ``end`` by the monotonic clock."""
    while left := without_record(names, results):
        remaining = end - time.monotonic()
        code = launch(left, remaining) if remaining > 0 else None
        if code is None:
            return
        stuck = without_record(left, results)
        if stuck and (code or len(stuck) == len(left)):  # it ended within the next one, or came to none
            results.keep(stuck[0], {"failed": f"its process ended with exit code {code}; see above"})


def run_side_by_side(names: Sequence[str], results: Results, launch: Launch, end: float) -> None:
    """The same in several processes at once: what takes long is to compile kernels, and nothing here is timed."""
    count = max(1, min(8, (os.cpu_count() or 1) // 2))
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda share: run_all(names[share::count], results, launch, end), range(count)))


def without_record(names: Sequence[str], results: Results) -> list[str]:
    """What is left over."""
    done = results.all()
    return [name for name in names if name not in done]


def in_another_process(results: Results) -> Launch:
    """What starts the command again, to do the work."""

    def launch(names: Sequence[str], seconds: float) -> int | None:
        command = [sys.executable, "-m", "benchmarks.gpu", "--out", results.path, "--key", results.key, "--units", *names]
        try:
            return subprocess.run(command, cwd=ROOT, timeout=seconds, check=False).returncode
        except subprocess.TimeoutExpired:
            return None

    return launch


def run_here(units: Mapping[str, Unit], results: Results, device: torch.device) -> None:
    """Run units in this process, and end where the device works no more."""
    warnings.simplefilter("error", EdgewiseWarning)  # as that lean does the work of a kernel
    for name, unit in units.items():
        start = time.monotonic()
        try:
            record = unit(device)
        except Exception as error:
            traceback.print_exc()
            record = {"failed": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
        record["seconds"] = round(time.monotonic() - start, 1)
        results.keep(name, record)
        print(f"{name}: {record['seconds']} s, {failure(record) or 'done'}", flush=True)
        if failure(record) and not works(device):
            break


def works(device: torch.device) -> bool:
    """Whether anything still runs on the device, as nothing does after a kernel that wrote where it must not."""
    try:
        torch.ones(1, device=device).item()
    except RuntimeError:
        return False
    return True
