"""Training of several networks by one recipe, several times each, and one table of what came of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev

from rich.console import Console
from rich.table import Table

from edgewise.io import read_json, write_json
from edgewise.vision import ClassificationRecipe, evaluate, train
from edgewise.vision.classification.baseline import matched_baseline


@dataclass(frozen=True)
class Entry:
    """A network of the race.

    ``plain`` adds the plain network of as many parameters, trained by the same recipe.
    """

    title: str
    recipe: ClassificationRecipe
    plain: bool = False

    @property
    def lanes(self) -> Mapping[str, ClassificationRecipe]:
        """What is trained, by its folder."""
        found = {self.title: self.recipe}
        return found | ({f"{self.title}, plain": matched_baseline(self.recipe)} if self.plain else {})


def race(entries: Iterable[Entry], out: Path, seeds: Iterable[int], title: str) -> None:
    """Train what is missing, seed by seed, and print the table of what is finished after each.

    Killed, the same call goes on where it was. Scores are those of the test images, taken once a run, of its best epoch by
    validation images.
    """
    lanes = {name: recipe for entry in entries for name, recipe in entry.lanes.items()}
    for seed in seeds:
        for name, recipe in lanes.items():
            folder = folder_of(out, name) / str(seed)
            train(replace(recipe, seed=seed), folder, resume=True, progress=False)
            if not (folder / "test.json").exists():
                write_json(folder / "test.json", evaluate(folder).scores)
        Console(width=140).print(table(lanes, out, f"{title}, seed {seed} done"))


def folder_of(out: Path, title: str) -> Path:
    """Where the runs of a network lie, one folder a seed."""
    return out / title.replace(", ", "-").replace(" ", "-")


def table(lanes: Iterable[str], out: Path, title: str) -> Table:
    """Mean and spread of the test scores of all finished runs."""
    grid = Table(title=title)
    for column in ("network", "parameters", "runs", "top-1 %", "spread", "log loss", "calibration error", "s an epoch"):
        grid.add_column(column, justify="left" if column == "network" else "right")
    for name in lanes:
        folders = sorted(path.parent for path in folder_of(out, name).glob("*/test.json"))
        if not folders:
            continue
        scores, results = ([read_json(f / file) for f in folders] for file in ("test.json", "result.json"))
        top = [100 * s["top1"] for s in scores]
        grid.add_row(
            name,
            f"{results[0]['parameters']:,}",
            str(len(folders)),
            f"{mean(top):.2f}",
            f"{stdev(top):.2f}" if len(top) > 1 else "",
            *(f"{mean(s[score] for s in scores):.3f}" for score in ("log_loss", "ece")),
            f"{mean(r['seconds'] / r['epochs'] for r in results):.0f}",
        )
    return grid
