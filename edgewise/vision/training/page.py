"""What the reports of all tasks have in common."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from edgewise._ground import page
from edgewise._ground.errors import ConfigError
from edgewise._ground.figures import curves
from edgewise.io import read_json
from edgewise.vision.training.files import Result
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.recipe import Data, Recipe
from edgewise.vision.training.settings import setting_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Evaluation(Protocol):
    """Scores of a dataset, and how a reader is told them."""

    @property
    def scores(self) -> dict[str, float]:
        """By name."""
        ...

    @property
    def titles(self) -> dict[str, str]:
        """What a reader calls the scores that stand first."""
        ...

    digits: ClassVar[dict[str, int]]
    """Digits after the point, where they are not three."""
    lower: ClassVar[tuple[str, ...]]
    """Scores that are better the lower they are."""

    def rows(self) -> list[tuple[str, ...]]:
        """Title and value of every score."""
        ...

    def summary(self) -> str:
        """In a line, how many images, and what is hardest."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        ...


class Compared(Protocol):
    """Scores of two runs on the same images, and how a reader is told them."""

    columns: ClassVar[tuple[str, ...]]
    """What :meth:`rows` has."""

    def rows(self) -> list[tuple[str, ...]]:
        """Title, both values and their difference of every score."""
        ...

    def summary(self) -> str:
        """How many images, and how sure the differences are."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        ...


class Method(Protocol):
    """What a report compares: something with scores on the test images."""

    @property
    def title(self) -> str:
        """What a reader calls it."""
        ...

    @property
    def evaluation(self) -> Evaluation:
        """Its scores."""
        ...

    @property
    def result(self) -> Result | None:
        """How its run ended; None for what is no run."""
        ...


@dataclass(frozen=True)
class Report:
    """What was written, and the numbers in it."""

    html: Path
    overview: Path
    """A picture of the test images that tell most, a PNG."""
    methods: Sequence[Method]
    """The networks in the order given, then what they are compared with."""


class ComparedRuns:
    """Runs that a report sets side by side.

    Args:
        run_dirs: Folders made by :func:`edgewise.vision.train`.
        titles: A name for each; none: its model's, with the folder's where two are of one model.

    Raises:
        ConfigError: They are not of the same data.
    """

    def __init__(self, run_dirs: Sequence[str | Path], titles: Sequence[str] | None = None):
        self.folders = [RunFolder(run_dir) for run_dir in run_dirs]
        self.recipes = [folder.read_recipe() for folder in self.folders]
        self.data = common_data(self.recipes)
        kept = [folder.read_inventory() for folder in self.folders] if len(self.folders) > 1 else []
        if any(inventory != kept[0] for inventory in kept):
            raise ConfigError("the runs were not started with the same pictures on each side: report on them one by one")
        self.titles = list(titles or titles_of(self.folders, self.recipes))

    @property
    def histories(self) -> dict[str, list[dict]]:
        """What was measured after each epoch, by title."""
        return {title: folder.read_metrics() for title, folder in zip(self.titles, self.folders, strict=True)}

    def page(self, package: str, template: str, methods: Sequence[Method], **values: object) -> bytes:
        """The page: what all have in common, and what a task adds."""
        evaluation = methods[0].evaluation
        return render(
            package,
            template,
            title=headline(self.titles, self.data),
            columns=("Parameters", *evaluation.titles.values(), "s an epoch", "Best epoch"),
            rows=score_rows(methods, {title: pace(lines) for title, lines in self.histories.items()}),
            settings=setting_rows(self.recipes),
            runs=self.titles,
            several=len(self.titles) > 1,
            footer=footer(self.folders[0].config),
            **values,
        )


def render(package: str, template: str, **values: object) -> bytes:
    """A page of a package of this wing, which may use the tables of this one."""
    return page.render((package, "edgewise.vision.training"), template, extra="training", **values)


def common_data(recipes: Sequence[Recipe]) -> Data:
    """The data of all recipes, which may differ in nothing that decides what the test images are.

    Raises:
        ConfigError: They do.
    """
    if len({str(recipe.data.test_images) for recipe in recipes}) > 1:
        raise ConfigError("the runs were not trained on the same data and split: report on them one by one")
    return recipes[0].data


def titles_of(folders: Sequence[RunFolder], recipes: Sequence[Recipe]) -> list[str]:
    """A name for each run: its model's, with the folder's where two are of one model."""
    models = [recipe.model.name for recipe in recipes]
    often = Counter(models)
    return [
        model if often[model] == 1 else f"{model} ({folder.path.name})"
        for model, folder in zip(models, folders, strict=True)
    ]


def score_rows(methods: Sequence[Method], paces: Mapping[str, float]) -> list[dict]:
    """The table's rows: costs and scores of each method, the best value of each score marked where there are several.

    Args:
        methods: In the order of the rows.
        paces: Seconds of an epoch, by title.
    """
    return [
        {"title": method.title, "baseline": method.result is None, "cells": _cells(method, methods, paces)}
        for method in methods
    ]


def pace(lines: Sequence[Mapping[str, float]]) -> float:
    """Seconds of an epoch: the median without the first, in which kernels are compiled and pictures are read.

    Example:
        >>> pace([{"seconds": 60.0}, {"seconds": 2.0}, {"seconds": 3.0}, {"seconds": 9.0}])
        3.0
    """
    return median([line["seconds"] for line in lines[1:] or lines])


def _cells(method: Method, methods: Sequence[Method], paces: Mapping[str, float]) -> list[dict]:
    evaluation, scores = method.evaluation, []
    for name in evaluation.titles:
        values = [other.evaluation.scores[name] for other in methods]
        best = (min if name in evaluation.lower else max)(values)
        value, digits = evaluation.scores[name], evaluation.digits.get(name, 3)
        scores.append({"text": f"{value:.{digits}f}", "best": len(methods) > 1 and value == best})
    parameters, *rest = _costs(method.result, paces.get(method.title))
    return [parameters, *scores, *rest]


def _costs(result: Result | None, seconds: float | None) -> list[dict]:
    """Parameters, seconds an epoch and the best epoch; a threshold has one number to fit and no epochs."""
    texts = ["1", "", ""]
    if result:
        shown = "" if seconds is None else f"{seconds:.1f}"
        texts = [f"{result.parameters:,}", shown, f"{result.best_epoch + 1} of {result.epochs}"]
    return [{"text": text, "best": False} for text in texts]


def headline(titles: Sequence[str], data: Data) -> str:
    """What is the report about."""
    *others, last = titles
    return f"{', '.join(others)} and {last} on {data.name}" if others else f"{last} on {data.name}"


def footer(config: Path) -> str:
    """The versions that made a run or a study, from its configuration."""
    versions = read_json(config).get("versions", {})
    return " · ".join(f"{name} {number}" for name, number in versions.items())


def loss_curves(histories: dict[str, list[dict]]) -> "Figure":
    """Training loss, and validation loss dotted, over epochs.

    Args:
        histories: Title of each run, and its lines of ``metrics.jsonl``.
    """
    return curves("Loss: training solid, validation dotted", histories, {"train_loss": "solid", "val_loss": (0, (2, 2))})
