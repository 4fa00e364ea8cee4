"""What a layer costs as one of its sizes changes: points around batch 1024, width 256, grid 5, degree 3."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from peers import NoPeer, inkan_layer
from racing import Work, forward, inputs, on_backend, race, step
from torch import nn

from edgewise.analysis.timing import Timing
from edgewise.bases import BSpline
from edgewise.nn import KANConv2d, KANLinear

OURS, FORWARD, SAME, EQUAL, INKAN = "ours", "ours, forward", "dense, same shape", "dense, equal parameters", "inkan"


@dataclass(frozen=True)
class Point:
    batch: int = 1024
    width: int = 256
    grid: int = 5
    degree: int = 3

    @property
    def numbers(self) -> int:
        """Parameters of an edge: its coefficients and the weight of its base function."""
        return self.grid + self.degree + 1


@dataclass(frozen=True)
class Measured:
    """One line of the sweep: seconds of a step (or of what the name says) by contestant."""

    axis: str
    value: str
    times: dict[str, Timing]
    point: Point | None = None


AXES = {
    "batch": (1, 16, 128, 1024, 8192),
    "width": (16, 64, 256, 1024),
    "grid": (3, 5, 10, 20, 50, 100, 200),
    "degree": (1, 2, 3, 4, 5),
}
QUICK_AXES = {"batch": (16, 1024), "width": (64, 256), "grid": (5, 20, 100), "degree": (2, 3)}


def contestants(point: Point) -> dict[str, Work]:
    """What is timed at a point; inkan only where it is installed and has such a layer."""
    ours = KANLinear(point.width, point.width, BSpline(grid_size=point.grid, degree=point.degree))
    wide = point.width * point.numbers
    x = inputs(point.batch, point.width)
    works = {
        FORWARD: forward(ours, x),
        OURS: step(ours, x),
        SAME: step(nn.Linear(point.width, point.width, bias=False), x),
        EQUAL: step(nn.Linear(wide, point.width, bias=False), inputs(point.batch, wide)),
    }
    with suppress(NoPeer):
        works[INKAN] = step(inkan_layer(ours), x)
    if point == Point():
        works |= {name: on_backend(name, works[OURS]) for name in ("lean", "plain")}
    return works


def sweep_layers(rounds: int, quick: bool) -> Iterator[Measured]:
    """All points; the one in the middle of all axes is measured once."""
    seen: dict[Point, dict[str, Timing]] = {}
    for axis, values in (QUICK_AXES if quick else AXES).items():
        for value in values:
            point = replace(Point(), **{axis: value})
            if point not in seen:
                seen[point] = race(contestants(point), rounds)
            yield Measured(axis, str(value), seen[point], point)


def sweep_convolutions(rounds: int) -> Iterator[Measured]:
    """A convolution and a depthwise one, against dense ones of the same shape and of as many parameters."""
    for label, channels, groups in (("16 -> 16, 3 x 3", 16, 1), ("64, depthwise 3 x 3", 64, 64)):
        ours, wide = KANConv2d(channels, channels, 3, groups=groups), channels * Point().numbers
        x = inputs(2, channels, 32, 32)
        works = {
            FORWARD: forward(ours, x),
            OURS: step(ours, x),
            SAME: step(nn.Conv2d(channels, channels, 3, groups=groups, bias=False), x),
            EQUAL: step(nn.Conv2d(wide, channels, 3, groups=groups, bias=False), inputs(2, wide, 32, 32)),
        }
        yield Measured("convolution", label, race(works, rounds))


def records(lines: Sequence[Measured]) -> Iterator[dict[str, object]]:
    """The sweep as rows of a CSV file, one a contestant."""
    for line in lines:
        sizes = asdict(line.point) if line.point else dict.fromkeys(asdict(Point()), "")
        for name, timing in line.times.items():
            numbers = {"ms": timing.median * 1e3, "spread_ms": timing.spread * 1e3}
            yield {"axis": line.axis, "value": line.value, **sizes, "contestant": name, **numbers}


def plot_grids(lines: Sequence[Measured], title: str, path: Path) -> None:
    """Draw the time of a step against the size of the grid."""
    from matplotlib.figure import Figure  # without pyplot, no screen is looked for

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    grids = [line for line in lines if line.axis == "grid"]
    for name, style in ((OURS, "o-"), (EQUAL, "s--"), (INKAN, "^:")):
        taken = [(line.point.grid, line.times[name]) for line in grids if name in line.times]
        if taken:
            sizes = [size for size, _ in taken]
            axes.plot(sizes, [timing.median * 1e3 for _, timing in taken], style, label=name)
    ticks = [line.point.grid for line in grids]
    axes.set(xscale="log", yscale="log", xlabel="grid size G", ylabel="forward and backward, ms", title=title)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=150)
