"""Two ways to contract a KAN convolution, shape by shape: ``python benchmarks/convolutions.py [rounds]``.

By cell (the native backend) against functions first in chunks (the lean one), forward and backward; and PyTorch's own
convolution over 9 C channels, which is what functions first would cost if evaluating them cost nothing.
"""

import sys
from dataclasses import dataclass

import torch
from racing import Work, inputs, step
from rich.console import Console
from rich.table import Table
from torch import nn

from edgewise.analysis.timing import compare_times
from edgewise.bases import BSpline
from edgewise.cli._allocator import keep_freed_memory
from edgewise.nn import KANConv2d
from edgewise.ops import use_backend


@dataclass(frozen=True)
class Shape:
    images: int
    channels: int
    outputs: int
    side: int
    window: int = 3
    stride: int = 1
    groups: int = 1

    def geometry(self) -> dict[str, int]:
        return {"padding": self.window // 2, "stride": self.stride, "groups": self.groups}

    def input(self, channels: int) -> torch.Tensor:
        return inputs(self.images, channels, self.side, self.side)


SHAPES = [
    Shape(2, 16, 16, 32), Shape(4, 3, 16, 128), Shape(4, 16, 16, 64), Shape(4, 32, 32, 64), Shape(4, 64, 64, 32),
    Shape(4, 128, 128, 16), Shape(4, 256, 256, 8), Shape(4, 8, 8, 32), Shape(4, 64, 4, 32), Shape(4, 64, 64, 32, stride=2),
    Shape(4, 64, 64, 32, window=1), Shape(4, 256, 256, 16, window=1),
    Shape(4, 64, 64, 32, groups=4), Shape(4, 64, 64, 32, groups=16), Shape(4, 64, 64, 32, groups=64),
]  # fmt: skip
GRIDS = (5, 20)


def on(backend: str, work: Work) -> Work:
    """The same work on a backend of that name."""

    def run():
        with use_backend(backend):
            return work()

    return run


def main(rounds: int) -> None:
    """Measure and print."""
    keep_freed_memory()
    torch.set_num_threads(2)
    table = Table(title="forward and backward, ms (medians)", title_justify="left", box=None, pad_edge=False)
    for column in (
        "images, in, out, side, window, stride, groups",
        "G",
        "by cell",
        "functions first",
        "by cell is",
        "conv of 9 C",
    ):
        table.add_column(column, justify="left" if column.startswith("images") else "right")
    for s in SHAPES:
        name = f"{s.images}, {s.channels}, {s.outputs}, {s.side}, {s.window}, {s.stride}, {s.groups}"
        for grid in GRIDS:
            layer = KANConv2d(s.channels, s.outputs, s.window, basis=BSpline(grid), **s.geometry())
            own = step(layer, s.input(s.channels))
            dense = nn.Conv2d(9 * s.channels, s.outputs, s.window, bias=False, **s.geometry())
            works = {"by cell": on("native", own), "first": on("lean", own), "dense": step(dense, s.input(9 * s.channels))}
            times = {label: 1e3 * t.median for label, t in compare_times(works, rounds).items()}
            faster = f"{times['first'] / times['by cell']:.2f}x faster"
            cells = [
                f"{times['by cell']:.2f}",
                f"{times['first']:.2f}",
                faster,
                f"{times['dense']:.2f}" if grid == 5 else "",
            ]
            table.add_row(name, str(grid), *cells)
    Console(width=140).print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
