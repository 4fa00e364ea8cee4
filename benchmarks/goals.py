"""The speeds that were asked of the layers, each measured against what it was asked against.

A peer gets our weights and must return our gradient of the input before it is timed: both compute the same function.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from peers import NoPeer, inkan_layer, pykan_layer, pykan_network
from racing import Work, dense_matmuls, inputs, race, step
from torch import nn

from edgewise.analysis import saved_bytes
from edgewise.bases import BSpline
from edgewise.cli._allocator import keep_freed_memory
from edgewise.models import create_model
from edgewise.nn import KANLinear

BATCH, WIDTH = 1024, 256


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table; numbers are None where a peer did not take part, and ``note`` says why."""

    workload: str
    against: str
    asked: float
    at_least: bool
    unit: str
    ours: float | None = None
    ours_spread: float | None = None
    theirs: float | None = None
    theirs_spread: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times faster ours is; where at most so much was asked, how many times as much ours takes."""
        if self.ours is None or self.theirs is None:
            return None
        return self.theirs / self.ours if self.at_least else self.ours / self.theirs

    @property
    def met(self) -> bool | None:
        if self.ratio is None:
            return None
        return self.ratio >= self.asked if self.at_least else self.ratio <= self.asked


@dataclass(frozen=True)
class Goal:
    """A time that was asked for: ``pair`` builds what is timed, ours and theirs."""

    workload: str
    against: str
    asked: float
    pair: Callable[[], tuple[Work, Work]]
    at_least: bool = True
    slow: bool = False
    as_installed: bool = False
    """Measured before this process keeps the memory it frees: a peer that frees gigabytes a step leaves a heap in which the
    first allocation of the other takes a tenth of a second."""

    def measure(self, rounds: int) -> Row:
        """Race the pair; slow ones in a third of the rounds."""
        row = partial(
            Row, workload=self.workload, against=self.against, asked=self.asked, at_least=self.at_least, unit="ms"
        )
        try:
            ours, theirs = self.pair()
        except NoPeer as reason:
            return row(note=str(reason))
        times = race({"ours": ours, "theirs": theirs}, max(1, rounds // 3) if self.slow else rounds)
        a, b = times["ours"], times["theirs"]
        return row(ours=a.median * 1e3, ours_spread=a.spread * 1e3, theirs=b.median * 1e3, theirs_spread=b.spread * 1e3)


def layer(grid: int, **options: str) -> KANLinear:
    """The cubic layer that most goals speak of."""
    return KANLinear(WIDTH, WIDTH, BSpline(grid_size=grid, **options))


def layer_step(grid: int, **options: str) -> Work:
    return step(layer(grid, **options), inputs(BATCH, WIDTH))


def against_matmuls(grid: int) -> tuple[Work, Work]:
    return layer_step(grid), dense_matmuls(BATCH, WIDTH * (grid + 4), WIDTH)


def against_peer(make: Callable[[], nn.Module], peer: Callable[[nn.Module], nn.Module], *shape: int) -> tuple[Work, Work]:
    model, x = make(), inputs(*shape)
    ours, theirs = step(model, x), step(peer(model), x)
    a, b = ours()[0], theirs()[0]
    torch.testing.assert_close(b, a, rtol=1e-3, atol=1e-4 * a.abs().max().item())
    return ours, theirs


def against_model(ours: str, theirs: str, *shape: int) -> tuple[Work, Work]:
    return step(create_model(ours), inputs(*shape)), step(create_model(theirs), inputs(*shape))


SPLINES = BSpline(5, outside="zero", knots="per-feature")  # as pykan's
NAME = f"KANLinear({WIDTH}, {WIDTH})"
GOALS = [
    *(
        Goal(f"{NAME}, G={grid}", f"three matmuls, {WIDTH * (grid + 4)} inputs", asked, partial(against_matmuls, grid))
        for grid, asked in ((5, 1.5), (20, 3.5), (50, 7.0))
    ),
    Goal(f"{NAME}, G=100", "the same, G=5", 2.0, lambda: (layer_step(100), layer_step(5)), at_least=False),
    Goal(
        f"{NAME}, per-feature knots", "uniform knots", 1.3,
        lambda: (layer_step(5, knots="per-feature"), layer_step(5)), at_least=False,
    ),
    Goal(
        f"{NAME}, G=5", "inkan KANLayer", 2.0,
        lambda: against_peer(partial(layer, 5), inkan_layer, BATCH, WIDTH),
    ),
    Goal(
        f"{NAME}, G=5", "pykan KANLayer", 80.0,
        lambda: against_peer(partial(layer, 5), pykan_layer, BATCH, WIDTH), as_installed=True,
    ),
    Goal(
        "network [2, 5, 1], 1000 points", "pykan KAN after .speed()", 10.0,
        lambda: against_peer(partial(create_model, "kan", width=[2, 5, 1], basis=SPLINES), pykan_network, 1000, 2),
    ),
    Goal(
        "all_ukan, 4 images of 128 x 128", "ukan", 1.5,
        lambda: against_model("all_ukan", "ukan", 4, 3, 128, 128), at_least=False, slow=True,
    ),
]  # fmt: skip


def saved_row() -> Row:
    """What one layer keeps for its backward pass beside what a dense one does."""
    x = inputs(BATCH, WIDTH)
    ours, theirs = (saved_bytes(model, x) / 1e6 for model in (layer(5), nn.Linear(WIDTH, WIDTH)))
    return Row(
        workload=f"{NAME}, saved for backward", against=f"nn.Linear({WIDTH}, {WIDTH})", asked=1.1, at_least=False,
        unit="MB", ours=ours, theirs=theirs,
    )  # fmt: skip


def measure_goals(rounds: int) -> Iterator[Row]:
    """All rows, each when it is measured."""
    for goal in sorted(GOALS, key=lambda goal: not goal.as_installed):
        if not goal.as_installed:
            keep_freed_memory()
        yield goal.measure(rounds)
    yield saved_row()
