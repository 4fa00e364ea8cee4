"""How fast a layer is: ``python benchmarks/layers.py`` tests the ops, then times them against what was asked.

Everything runs in one process, in float32, in interleaved rounds; a number is the median and, in brackets, the range of
the middle half. A step is forward and backward with the gradients of all parameters and of the input. Three tables: what
was asked and what is reached, one size changed at a time, and peak memory. With them go ``layers.csv``, ``sweep.csv``
and ``layers.png``. It takes about ten minutes on two cores, with ``--quick`` about two.
"""

import csv
import os
import platform
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from goals import BATCH, NAME, WIDTH, Row, measure_goals
from peers import INSTALL, can_compile
from rich.console import Console
from rich.table import Table
from sweep import FORWARD, INKAN, Measured, Point, plot_grids, records, sweep_convolutions, sweep_layers
from torch import nn

from edgewise.analysis import peak_memory
from edgewise.analysis.compare import prepare_step
from edgewise.nn import KANLinear
from edgewise.ops import backend_in_use

ROOT = Path(__file__).resolve().parent.parent
CONSOLE = Console(width=160)


def main() -> None:
    """Test, measure, print, write."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="rounds of each race; slow ones take a third")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument("--quick", action="store_true", help="3 rounds at most and fewer points")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/out", help="folder of the CSV files and the plot")
    options = parser.parse_args()
    rounds = min(3, options.rounds) if options.quick else options.rounds
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    test_ops("tests/ops")
    say_where()
    say_busy()
    options.out.mkdir(parents=True, exist_ok=True)

    rows = list(measure_goals(rounds))
    CONSOLE.print(goals_table(rows))
    say_busy()
    write(options.out / "layers.csv", ({**asdict(row), "ratio": row.ratio, "met": row.met} for row in rows))
    lines = [*sweep_layers(rounds, options.quick), *sweep_convolutions(rounds)]
    for axis in dict.fromkeys(line.axis for line in lines):
        CONSOLE.print(sweep_table(axis, [line for line in lines if line.axis == axis]))
    write(options.out / "sweep.csv", records(lines))
    plot_grids(lines, f"{NAME}, cubic, batch {BATCH}, {options.threads} threads", options.out / "layers.png")
    CONSOLE.print(memory_table())
    say_busy()


def test_ops(*paths: str) -> None:
    """End here unless the tests pass: how fast a wrong result comes is of no interest."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", *paths]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        print(result.stdout + result.stderr)
        print(f"The tests fail ({' '.join(command[1:])}), so nothing is timed.")
        sys.exit(1)
    print(f"{', '.join(paths)}:", result.stdout.strip().splitlines()[-1])


def say_where() -> None:
    """Print what the numbers depend on."""
    cpu = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0] if names else cpu
    print(f"{cpu}, {torch.get_num_threads()} threads, torch {torch.__version__}, backend {backend_in_use()}")
    print("This process keeps the memory it frees (glibc would hand it back at each step), for all contestants;")
    print("but for the row against pykan's layer, which is measured first, as all is installed.")
    compiled = "compiled, as is its default" if can_compile() else "not compiled: no C++ compiler is found"
    print(f"inkan's basis is {compiled}.\n")


def say_busy() -> None:
    """Say so if other processes compute: a step of many small ops then waits at each of them for its other thread.

    Such a step was seen to take fifty times as long, round after round, so neither the medians nor the spread tell.
    """
    stat = Path("/proc/stat")
    if not stat.exists():
        return
    time.sleep(0.5)  # until torch's own threads sleep

    def spent() -> int:
        user, nice, system = map(int, stat.read_text().split()[1:4])
        return user + nice + system

    before = spent()
    time.sleep(1)
    cores = (spent() - before) / os.sysconf("SC_CLK_TCK")
    if cores > 0.1:
        print(f"MEASURE AGAIN: other processes compute on {cores:.1f} of {os.cpu_count()} cores, which spoils all times.\n")


def write(path: Path, rows: Iterable[dict[str, object]]) -> None:
    """Write rows of equal keys as CSV."""
    rows = list(rows)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def new_table(title: str, *columns: str, words: int = 1) -> Table:
    """A table whose first columns are words and whose others are numbers."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index < words else "right")
    return table


def number(value: float, spread: float | None) -> str:
    digits = 1 if value >= 100 else 2 if value >= 1 else 4
    return f"{value:,.{digits}f}" + ("" if spread is None else f" ({spread:,.{digits}f})")


def goals_table(rows: Sequence[Row]) -> Table:
    """What was asked and what is reached."""
    table = new_table("asked and reached", "workload", "against", "ours", "theirs", "ratio", "asked for", "", words=2)
    for row in rows:
        asked = f"{'at least' if row.at_least else 'at most'} {row.asked:g}x"
        if row.ratio is None:
            table.add_row(row.workload, row.against, "", "", "", asked, row.note)
            continue
        ours = f"{number(row.ours, row.ours_spread)} {row.unit}"
        theirs = f"{number(row.theirs, row.theirs_spread)} {row.unit}"
        met = "met" if row.met else "missed"
        table.add_row(row.workload, row.against, ours, theirs, f"{row.ratio:.2f}x", asked, met)
    return table


def sweep_table(axis: str, lines: Sequence[Measured]) -> Table:
    """One size changed; all else as at the point in the middle."""
    names = list(dict.fromkeys(name for line in lines for name in line.times))
    table = new_table(f"\n{axis}: ms of a step, or of a forward pass ({FORWARD})", axis, *names)
    for line in lines:
        times = [line.times.get(name) for name in names]
        table.add_row(line.value, *(number(t.median * 1e3, t.spread * 1e3) if t else "" for t in times))
    if INKAN not in names and axis != "convolution":
        table.caption = f"inkan: {INSTALL}"
    return table


def memory_table() -> Table:
    """Peak memory of a step in a fresh process."""
    wide = WIDTH * Point().numbers
    table = new_table(f"\npeak of a step in a fresh process, batch {BATCH}", "", "input", "peak")
    for label, make, into in (
        (NAME, partial(KANLinear, WIDTH, WIDTH), WIDTH),
        (f"nn.Linear({wide}, {WIDTH}), equal parameters", partial(nn.Linear, wide, WIDTH, bias=False), wide),
    ):
        peak = peak_memory(partial(prepare_step, make, (BATCH, into), backend_in_use()))
        table.add_row(label, f"{BATCH} x {into}", f"{peak / 1e6:,.2f} MB")
    return table


if __name__ == "__main__":
    main()
