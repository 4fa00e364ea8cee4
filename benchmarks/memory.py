"""What training holds in memory: ``python benchmarks/memory.py`` prints the memory table of the README.

Bytes saved for backward, bytes alive after forward and the peak of a fresh process over one training step, in float32
on a batch of 2 images of 64 x 64. Saved and live bytes are also given for one image of 256 x 256: both grow with the
pixels, so 16 / 2 times as much. Parameters do not count. What is kept where autograd cannot see it is alive, not saved.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from edgewise.analysis import count_parameters, live_bytes, peak_memory, saved_bytes
from edgewise.analysis.compare import prepare_step
from edgewise.models import create_model
from edgewise.nn import KANLinear
from edgewise.ops import use_backend

IMAGES = (2, 3, 64, 64)
TO_ONE_256 = (256 / 64) ** 2 / 2


@dataclass(frozen=True)
class Row:
    label: str
    parameters: int
    saved: int
    live: int
    peak: int


NETWORKS = [
    ("ukan_vanilla, unfold, basis, sum", "reference", partial(create_model, "ukan_vanilla")),
    ("ukan_vanilla, basis first", "plain", partial(create_model, "ukan_vanilla")),
    ("ukan_vanilla", "lean", partial(create_model, "ukan_vanilla")),
    ("all_ukan, all gradients", "lean", partial(create_model, "all_ukan", grad_free=False)),
    ("all_ukan", "lean", partial(create_model, "all_ukan")),
    ("ukan_vanilla", "native", partial(create_model, "ukan_vanilla")),
    ("all_ukan", "native", partial(create_model, "all_ukan")),
    ("ukan", "lean", partial(create_model, "ukan")),
    ("unet", "lean", partial(create_model, "unet")),
]
LAYERS = [
    ("KANLinear(256, 256)", "reference", partial(KANLinear, 256, 256)),
    ("KANLinear(256, 256)", "plain", partial(KANLinear, 256, 256)),
    ("KANLinear(256, 256)", "lean", partial(KANLinear, 256, 256)),
    ("KANLinear(256, 256)", "native", partial(KANLinear, 256, 256)),
    ("nn.Linear(256, 256)", "lean", partial(nn.Linear, 256, 256)),
]


def measure(label: str, backend: str, make: Callable[[], nn.Module], shape: tuple[int, ...]) -> Row:
    """One row; everything on the backend of that name."""
    with use_backend(backend):
        model, example = make(), torch.randn(shape)
        return Row(
            label=f"{label} ({backend})",
            parameters=count_parameters(model),
            saved=saved_bytes(model, example),
            live=live_bytes(model, example),
            peak=peak_memory(partial(prepare_step, make, shape, backend)),
        )


def show(title: str, rows: list[Row], scale: float | None, yardstick: Row) -> None:
    """Print rows as a table, with how many times the saved bytes of the yardstick each saves."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    scaled = ["saved, one 256 x 256", "live, one 256 x 256"] if scale else []
    for column in ["parameters", "saved", "live", "peak", *scaled, f"saved / {yardstick.label}"]:
        table.add_column(column, justify="right")
    for row in rows:
        cells = [f"{row.parameters:,}", *(f"{count / 1e6:,.2f} MB" for count in (row.saved, row.live, row.peak))]
        if scale:
            cells += [f"{count * scale / 1e6:,.1f} MB" for count in (row.saved, row.live)]
        table.add_row(row.label, *cells, f"{row.saved / yardstick.saved:.2f}")
    Console(width=200).print(table)


def main() -> None:
    """Measure and print both tables."""
    rows = [measure(*network, IMAGES) for network in NETWORKS]
    show("batch of 2 images of 64 x 64, float32", rows, TO_ONE_256, yardstick=rows[4])
    print()
    rows = [measure(*layer, (1024, 256)) for layer in LAYERS]
    show("one layer, batch of 1024, float32", rows, None, yardstick=rows[-1])


if __name__ == "__main__":
    main()
