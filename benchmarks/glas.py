"""ALL U-KAN's ablation on gland histology: ``python benchmarks/glas.py --root DIR`` trains it and prints its tables.

Twelve networks: functions shared or one an edge, Grad-Free Spline or all gradients, and U-KAN's fully connected layers,
its convolutions or all of them swapped for KAN layers. One recipe, one seed. Interrupted, the same command goes on where
it was. Beside the scores stands the share of the input gradient that goes through the splines, which the paper calls
negligible: it is logged through training, on the grad-free networks as the share that is left out.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import median

import tyro
from rich.console import Console
from rich.table import Table

from edgewise.analysis.gradient_log import GradientShareLog
from edgewise.vision import Model, Recipe, create_recipe, evaluate, train

LOG = "gradient_share.jsonl"


@dataclass(frozen=True)
class Variant:
    swap: str
    sharing: bool
    grad_free: bool

    @property
    def title(self) -> str:
        gradient = "gradfree" if self.grad_free else "gradient"
        return f"{self.swap}-{'shared' if self.sharing else 'edges'}-{gradient}"


VARIANTS = [Variant(*choice) for choice in product(("linear", "conv", "all"), (True, False), (True, False))]


def main(
    root: Path,
    out: Path = Path("runs/glas"),
    size: int = 64,
    epochs: int = 12,
    widths: tuple[int, int, int] = (64, 80, 128),
):
    """Train what is missing, then print both tables.

    Args:
        root: Folder that holds GlaS.
        out: Folder of the runs.
        size: Side of the images in pixels.
        epochs: Passes over the training images.
        widths: Widths of the networks.
    """
    console = Console(width=120)
    for variant in VARIANTS:
        folder = out / variant.title
        # The log is written next to the run, which refuses a folder that holds something else.
        log = GradientShareLog(out / f"{variant.title}.{LOG}", every=20)
        out.mkdir(parents=True, exist_ok=True)
        train(recipe(variant, root, size, epochs, widths), folder, resume=True, callbacks=[log])
    console.print(scores_table(out))
    console.print(share_table(out))


def recipe(variant: Variant, root: Path, size: int, epochs: int, widths: tuple[int, ...]) -> Recipe:
    """The GlaS recipe for one variant."""
    base = create_recipe("glas")
    options = {"widths": list(widths), "swap": variant.swap, "sharing": variant.sharing, "grad_free": variant.grad_free}
    data = replace(base.data, root=str(root), size=(size, size))
    return replace(base, data=data, model=Model(name="all_ukan", options=options), epochs=epochs)


def scores_table(out: Path) -> Table:
    table = Table(title="GlaS, best epoch by validation IoU, test images at their own size")
    for column in ("swapped", "functions", "gradient", "parameters", "IoU", "F1", "s an epoch"):
        table.add_column(column, justify="left" if column in ("swapped", "functions", "gradient") else "right")
    for variant in VARIANTS:
        folder = out / variant.title
        result, scores = json.loads((folder / "result.json").read_text()), evaluate(folder).scores
        table.add_row(
            variant.swap,
            "shared" if variant.sharing else "one an edge",
            "grad-free" if variant.grad_free else "all",
            f"{result['parameters']:,}",
            f"{scores['iou']:.3f}",
            f"{scores['f1']:.3f}",
            f"{result['seconds'] / result['epochs']:.1f}",
        )
    return table


def share_table(out: Path) -> Table:
    """By phase of training, the median over layers of splines over base in the input gradient, and the largest."""
    table = Table(
        title="Input gradient through the splines over that through the base branch: median (largest) of the layers"
    )
    phases = ("first step", "first third", "second third", "last third")
    for column in ("network", *phases):
        table.add_column(column, justify="left" if column == "network" else "right")
    for variant in VARIANTS:
        lines = [json.loads(line) for line in (out / f"{variant.title}.{LOG}").read_text().splitlines()]
        end, by_phase = max(line["step"] for line in lines) + 1, defaultdict(lambda: defaultdict(list))
        for line in lines:
            share = line["splines"] / line["base"] if line["base"] else float("inf")
            phase = 0 if line["step"] == 0 else 1 + 3 * line["step"] // end
            by_phase[phase][line["layer"]].append(share)
        cells = []
        for phase in range(len(phases)):
            layers = [median(shares) for shares in by_phase[phase].values()]
            cells.append(f"{median(layers):.2f} ({max(layers):.2f})")
        table.add_row(variant.title, *cells)
    return table


if __name__ == "__main__":
    tyro.cli(main)
