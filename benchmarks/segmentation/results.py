"""What came of the runs of one set: scores of each network over all its seeds, and differences on the same images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from rich.table import Table

from edgewise.io import read_json
from edgewise.vision.segmentation.comparison import Comparison
from edgewise.vision.segmentation.evaluate import evaluate_files
from edgewise.vision.segmentation.evaluation import Evaluation
from edgewise.vision.segmentation.predict import Predictor
from edgewise.vision.segmentation.scores.cohort import Cohort
from edgewise.vision.training.folder import RunFolder

SHOWN = ("iou", "f1", "image_iou", "hd95")


@dataclass(frozen=True)
class Scored:
    """A network on the test images of a set."""

    seeds: Sequence[Evaluation]
    """Of each seed."""
    results: Sequence[dict]
    """Of each run: parameters, epochs, seconds."""

    @classmethod
    def of(cls, folders: Sequence[Path]) -> "Scored":
        """The finished runs of a network, one folder a seed."""
        evaluations = [evaluate_files(RunFolder(folder), Predictor.from_run(folder)) for folder in folders]
        return cls(evaluations, [read_json(folder / "result.json") for folder in folders])

    @property
    def pooled(self) -> Evaluation:
        """All seeds as one evaluation; a group stands for itself under every seed, so that it is drawn with all of them."""
        first = self.seeds[0]
        parts = list(enumerate(one.cohort for one in self.seeds))
        ids = tuple(f"{seed}/{id}" for seed, cohort in parts for id in cohort.ids)
        groups = tuple(group or id for _, cohort in parts for id, group in zip(cohort.ids, cohort.groups, strict=True))
        measured = [case for _, cohort in parts for case in cohort.measured]
        return Evaluation.of(
            Cohort(ids, groups, measured), first.unit, ["background", *(one.name for one in first.classes)]
        )


def table(title: str, networks: Mapping[str, Scored], beside: str) -> Table:
    """A row for each network: its scores with intervals, and how much its IoU is above that of one of them.

    Args:
        title: Of the table.
        networks: What was scored, by the name of the network.
        beside: The network that the others are compared with.
    """
    grid = Table(title=title)
    titles = next(iter(networks.values())).seeds[0].titles
    columns = ("network", "parameters", *(titles[name] for name in SHOWN), f"IoU less {beside}'s", "s an epoch")
    for column in columns:
        grid.add_column(column, justify="left" if column == "network" else "right")
    for name, scored in networks.items():
        seconds = mean(result["seconds"] / result["epochs"] for result in scored.results)
        cells = (_score(scored, score) for score in SHOWN)
        difference = _difference(scored, networks[beside]) if beside in networks and name != beside else ""
        grid.add_row(name, f"{scored.results[0]['parameters']:,}", *cells, difference, f"{seconds:.0f}")
    return grid


def _score(scored: Scored, name: str) -> str:
    """The mean over seeds, their spread where there are several, and the interval over groups."""
    values, pooled = [one.scores[name] for one in scored.seeds], scored.pooled
    digits = pooled.digits.get(name, 3)
    spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{spread} [dim]({pooled.interval(name)})[/dim]"


def _difference(scored: Scored, other: Scored) -> str:
    if len(scored.seeds) != len(other.seeds):
        return ""  # the other's runs are not all done yet
    found = Comparison.of(scored.pooled, other.pooled).differences["iou"]
    return f"{found.value:+.3f} [dim]({found.interval.show(3)})[/dim]"
