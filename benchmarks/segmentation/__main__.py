"""Four networks on three sets of medical pictures: ``python -m benchmarks.segmentation --cvc DIR --glas DIR --busi DIR``.

CVC-ClinicDB is divided by its videos, GlaS by its patients, BUSI by pictures (whose patients are not known) without those
that it holds twice. All networks start from nothing and learn by the recipe of the set, on pictures whose aspect is kept.
Scores are of the best epoch by validation, on test pictures at their own size, with 95 % intervals by bootstrap over
groups; differences are on the same pictures. Killed at any moment, the same command goes on where it was, run by run.
``make bench-segmentation DATA=DIR`` installs smp too.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import tyro
from rich.console import Console

from benchmarks.segmentation.figure import draw
from benchmarks.segmentation.networks import NETWORKS
from benchmarks.segmentation.results import Scored, table
from edgewise.vision import create_recipe, train

SETS = {"cvc": "CVC-ClinicDB by video", "glas": "GlaS by patient", "busi": "BUSI"}
BESIDE = "U-KAN"


def main(
    cvc: Path | None = None,
    glas: Path | None = None,
    busi: Path | None = None,
    out: Path = Path("runs/segmentation"),
    networks: tuple[str, ...] = tuple(NETWORKS),
    seeds: int = 1,
    size: int = 128,
    epochs: int | None = None,
) -> None:
    """Train what is missing, then print a table for each set and draw the scores.

    Args:
        cvc: Folder that holds CVC-ClinicDB; sets without a folder are left out.
        glas: Folder that holds GlaS.
        busi: Folder that holds BUSI.
        out: Folder of the runs, of ``scores.svg`` and of the tables.
        networks: Which networks, by the names of the table.
        seeds: How many seeds, from 0 on.
        size: Side of the pictures in pixels.
        epochs: Passes over the training pictures; none: those of the recipe of each set.
    """
    roots = {name: root for name, root in (("cvc", cvc), ("glas", glas), ("busi", busi)) if root is not None}
    if not roots:
        raise SystemExit("no set is given: say where one is, --cvc DIR, --glas DIR or --busi DIR")
    console, found = Console(width=170), {}
    for name, root in roots.items():
        lanes = {title: out / name / title.lower().replace(" ", "-") for title in networks}
        for seed in range(seeds):
            for title, folder in lanes.items():
                run(name, root, title, folder / str(seed), seed, size, epochs)
        found[SETS[name]] = {title: Scored.of(finished(folder)) for title, folder in lanes.items()}
        console.print(table(SETS[name], found[SETS[name]], BESIDE))
    draw(found, out / "scores.svg")
    console.print(f"figure: {out / 'scores.svg'}")


def run(name: str, root: Path, title: str, folder: Path, seed: int, size: int, epochs: int | None) -> None:
    """One network on one set by the set's recipe, gone on with where it was."""
    recipe = create_recipe(name)
    data = replace(recipe.data, root=str(root), size=(size, size))
    recipe = replace(recipe, data=data, model=NETWORKS[title], seed=seed, epochs=epochs or recipe.epochs)
    train(recipe, folder, resume=True, progress=False)


def finished(folder: Path) -> Sequence[Path]:
    """The runs of a network that are done, in the order of their seeds."""
    return sorted((path.parent for path in folder.glob("*/result.json")), key=lambda path: int(path.name))


if __name__ == "__main__":
    tyro.cli(main)
