"""Every basis in the same small network on MNIST, beside a plain one of equal size: ``python -m benchmarks.vision.bases``.

Three KAN convolutions with batch norms, then a KAN layer on the means of the last maps. One table of accuracy, parameters,
operations, time and memory of all, and a figure of those that nothing else beats in both accuracy and cost.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
import tyro

from benchmarks.science.common import show
from benchmarks.vision.pareto import plot_pareto
from benchmarks.vision.race import Entry, folder_of, race
from edgewise.analysis import compare, write_comparison
from edgewise.bases import list_bases
from edgewise.cli._allocator import keep_freed_memory
from edgewise.io import read_json
from edgewise.vision import ClassificationRecipe, Model, create_recipe
from edgewise.vision.classification.baseline import matched_baseline
from edgewise.vision.classification.network import create_classifier

NETWORK = {"widths": [6, 12, 24], "padding": 1, "norm": "batch", "pool": "mean"}
MORE = {
    "piecewise linear": {"name": "bspline", "degree": 1},
    "squashed gram": {"name": "squashed", "basis": {"name": "gram", "degree": 3}},
    **{f"wavelet, {kind}": {"name": "wavelet", "kind": kind} for kind in ("morlet", "dog", "shannon", "meyer")},
}
BASES = {name: {"name": name} for name in list_bases()} | MORE
BATCH = 64


def recipes(data: str, epochs: int) -> dict[str, ClassificationRecipe]:
    """The network with each basis, and a plain one of as many parameters as the first."""
    base = create_recipe(data)
    base = replace(base, epochs=epochs, optimiser=replace(base.optimiser, learning_rate=5e-3))
    models = {title: Model(name="conv_kan", options=NETWORK | {"basis": basis}) for title, basis in BASES.items()}
    found = {title: replace(base, model=model) for title, model in models.items()}
    return {"plain": matched_baseline(found["bspline"])} | found


def main(
    out: Path = Path("runs/bases"),
    seeds: int = 1,
    epochs: int = 2,
    data: str = "mnist",
    rounds: int = 5,
    images: Path | None = None,
):
    """Train what is missing, measure all, print the table and draw the figure.

    Args:
        out: Folder of the runs, of the table (``bases.csv``) and of the figure (``bases.png``).
        seeds: Runs of each network.
        epochs: Passes over the training images.
        data: Recipe whose images to use.
        rounds: How often each step is timed.
        images: Draw the figure here too, such as ``docs/images``.
    """
    torch.set_num_threads(1)
    keep_freed_memory()
    entries = recipes(data, epochs)
    race([Entry(title, recipe) for title, recipe in entries.items()], out, range(seeds), data)
    scores = {title: {"top1": _mean_top1(out, title, seeds)} for title in entries}
    makers = {title: partial(create_classifier, recipe.model, recipe.data) for title, recipe in entries.items()}
    rows = compare(makers, (BATCH, 1, 28, 28), rounds, scores)
    rows.sort(key=lambda row: -row.top1)
    write_comparison(rows, out / "bases.csv")
    columns = ["basis", "top-1, %", "parameters", "MFLOP", "ms a step", "MB saved", "MB at the peak"]
    title = f"{data}, {epochs} epochs, mean of {seeds} seeds; a step is forward and backward of {BATCH} pictures"
    show(title, columns, [
        (row.label, f"{100 * row.top1:.2f}", row.parameters, (row.matmul_flops + row.elementwise_flops) / 1e6,
         1e3 * row.step_seconds, row.saved_bytes / 1e6, row.peak_bytes / 1e6)
        for row in rows
    ])  # fmt: skip
    for folder in filter(None, (out, images)):
        plot_pareto(rows, folder / "bases.png")


def _mean_top1(out: Path, title: str, seeds: int) -> float:
    return sum(read_json(folder_of(out, title) / str(seed) / "test.json")["top1"] for seed in range(seeds)) / seeds


if __name__ == "__main__":
    tyro.cli(main)
