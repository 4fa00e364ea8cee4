"""What the science benchmarks share: samples, a clock that can be stopped, tables and where results go."""

import csv
import os
import platform
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "benchmarks/out/science"
TRIAL = Path(tempfile.gettempdir()) / "edgewise-science"  # where --quick writes, so that no result is overwritten


class Samples(NamedTuple):
    """Rows and targets in float64; the pair that ``fit`` takes."""

    x: Tensor
    y: Tensor

    def split(self, first: int) -> tuple["Samples", "Samples"]:
        return Samples(self.x[:first], self.y[:first]), Samples(self.x[first:], self.y[first:])


def draw(f: Callable[..., np.ndarray], ranges: Sequence[tuple[float, float]], count: int, seed: int) -> Samples:
    """Rows drawn evenly from [-1, 1], and what ``f`` is at the points of ``ranges`` that they stand for."""
    x = np.random.default_rng(seed).uniform(-1, 1, (count, len(ranges)))
    low, high = np.array(ranges, dtype=float).T
    values = np.broadcast_to(f(*(low + (x + 1) / 2 * (high - low)).T), count)
    return Samples(torch.tensor(x), torch.tensor(values[:, None].copy(), dtype=torch.double))


def rmse(model: Callable[[Tensor], Tensor], samples: Samples) -> float:
    with torch.no_grad():
        return (model(samples.x) - samples.y).square().mean().sqrt().item()


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


class Clock:
    """A budget of seconds of the processor, which does not run while something is only measured.

    For one thread on an idle machine these are the seconds of the clock; on a busy one nobody pays for the others.
    """

    def __init__(self, seconds: float = float("inf")):
        self.seconds, self.start = seconds, time.process_time()

    @property
    def spent(self) -> float:
        return time.process_time() - self.start

    @property
    def left(self) -> float:
        return self.seconds - self.spent

    @contextmanager
    def stopped(self) -> Iterator[None]:
        before = time.process_time()
        yield
        self.start += time.process_time() - before


@dataclass
class Result:
    """What a contender reached within its time.

    Attributes:
        rmse: On the test rows.
        trail: Seconds, parameters and test RMSE on the way.
    """

    contender: str
    rmse: float = float("inf")
    shape: str = ""
    parameters: int = 0
    seconds: float = 0.0
    note: str = ""
    trail: list[tuple[float, int, float]] = field(default_factory=list)

    def row(self) -> dict[str, object]:
        return {key: value for key, value in vars(self).items() if key != "trail"}


def arguments(description: str, add: Callable[[ArgumentParser], object] = lambda parser: None) -> Namespace:
    """The options that all of these benchmarks have, and those that ``add`` adds; one thread from here on."""
    parser = ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"a trial of seconds; writes to {TRIAL}")
    parser.add_argument("--out", type=Path, help=f"folder of CSV files and figures, {OUT} by default")
    parser.add_argument("--images", type=Path, help="write figures here too, such as docs/images")
    add(parser)
    options = parser.parse_args()
    options.out = options.out or (TRIAL if options.quick else OUT)
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    return options


def say_where() -> None:
    """Print what times depend on."""
    cpu, info = platform.machine(), Path("/proc/cpuinfo")
    if info.exists():
        cpu = next((line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line), cpu)
    print(f"{cpu}, 1 thread for all, torch {torch.__version__}, load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores\n")


def write(path: Path, rows: Iterable[dict[str, object]]) -> None:
    """Write rows of equal keys as CSV."""
    rows = list(rows)
    if not rows:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def report(options: Namespace, name: str, title: str, columns: Sequence[str], results: Sequence[Result]) -> None:
    """Write the results to a file of that name and show them under a title."""
    write(options.out / f"{name}.csv", [result.row() for result in results])
    show(title, columns, [(r.contender, r.shape, r.parameters, r.rmse, r.seconds) for r in results])


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table in Markdown: the first column words, the others numbers."""
    print(f"\n{title}\n")
    print("| " + " | ".join(columns) + " |")
    print("|---|" + "---:|" * (len(columns) - 1))
    for row in rows:
        print("| " + " | ".join(cell(value) for value in row) + " |", flush=True)
    print()


def cell(value: object) -> str:
    if isinstance(value, float):
        if value != value or abs(value) == float("inf"):
            return ""
        return f"{value:.{1 + (abs(value) < 10)}f}" if 0.1 <= abs(value) < 1e4 else f"{value:.2e}"
    return str(value)


@contextmanager
def figure(options: Namespace, name: str, **size) -> Iterator[object]:
    """A Matplotlib figure that is saved at the end; without pyplot, no screen is looked for."""
    from matplotlib.figure import Figure

    made = Figure(layout="constrained", **size)
    yield made
    for folder in filter(None, (options.out, options.images)):
        made.savefig(folder / f"{name}.png", dpi=150)
