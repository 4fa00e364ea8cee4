"""What an evaluation of masks found: scores of all cases, of each class, of each group and of each case."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor

from edgewise.vision.segmentation.metrics import in_image
from edgewise.vision.segmentation.scores.cohort import Cohort, defined
from edgewise.vision.segmentation.scores.summary import (
    FURTHER,
    LOWER,
    MAIN,
    OF_PROBABILITIES,
    by_class,
    means,
    of_probabilities,
)

OF_DATASETS = ("image_iou", "image_f1")
"""Scores that are means over cases, and nothing new of a single one."""


@dataclass(frozen=True)
class Case:
    """The scores of one image, averaged over the foreground classes in its truth or its prediction."""

    id: str
    group: str | None
    """What it belongs to, such as a patient."""
    scores: dict[str, float]
    """By name; those that are not defined, such as the sensitivity to what is not there, are left out."""
    lesions: int
    """Connected parts of all classes in the truth."""
    classes: dict[int, dict[str, float]] = field(default_factory=dict)
    """The same of each foreground class that is in its truth or its prediction, where there are several."""

    @property
    def iou(self) -> float:
        """Intersection over union."""
        return self.scores["iou"]

    @property
    def f1(self) -> float:
        """F1, which is Dice."""
        return self.scores["f1"]

    @property
    def hd95(self) -> float:
        """95th percentile of the distances between outlines."""
        return self.scores["hd95"]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        several = {"classes": self.classes} if self.classes else {}
        return {"id": self.id, "group": self.group, "lesions": self.lesions, **self.scores, **several}


@dataclass(frozen=True)
class ClassScores:
    """The scores of one foreground class; without a pixel in the truth of any image, they are left out of the means."""

    label: int
    name: str
    """What a reader calls it."""
    pixels: int
    """Of it in the truth."""
    predicted: int
    """Of it in the prediction."""
    scores: dict[str, float]
    """By name; those that are not defined are left out."""

    @property
    def iou(self) -> float:
        """Intersection over union."""
        return self.scores["iou"]

    @property
    def absent(self) -> bool:
        """Whether it is in the truth of no image."""
        return not self.pixels

    def summary(self) -> str:
        """A line on it."""
        if self.absent:
            return f"{self.name}: in no scored image, so left out of the means; {self.predicted:,} pixels predicted"
        return f"{self.name}: IoU {self.iou:.4f}, F1 {self.scores['f1']:.4f}, {self.pixels:,} pixels"


@dataclass(frozen=True)
class Evaluation:
    """Scores of a dataset, defined in :mod:`edgewise.vision.segmentation.scores.summary`, and of each of its images."""

    scores: dict[str, float]
    """By name; those that are not defined are left out."""
    cases: list[Case]
    """Every image, in the dataset's order."""
    classes: list[ClassScores]
    """Every foreground class."""
    groups: dict[str, dict[str, float]]
    """The scores of the images of each known group, such as a patient."""
    unit: str
    """Of distances: ``px``, or ``mm`` where the spacing of every image is known."""
    cohort: Cohort = field(repr=False, compare=False)
    """What was measured."""

    digits: ClassVar[dict[str, int]] = {"hd95": 1, "assd": 2, "false_lesions": 2}
    """Digits after the point, where they are not three."""
    lower: ClassVar[tuple[str, ...]] = LOWER
    """Scores that are better the lower they are."""

    @classmethod
    def of(cls, cohort: Cohort, unit: str, names: Sequence[str]) -> "Evaluation":
        """All scores of what was measured.

        Args:
            cohort: What was measured.
            unit: Of distances.
            names: Of the classes, the background first.
        """
        (scores,) = defined(means, {name: part[None] for name, part in cohort.sums.items()})
        return cls(scores, _cases(cohort), _classes(cohort.sums, names), cohort.by_group(), unit, cohort)

    @property
    def titles(self) -> dict[str, str]:
        """What a reader calls the scores that stand first."""
        return {name: title.format(unit=self.unit) for name, title in MAIN.items()}

    @property
    def further(self) -> dict[str, str]:
        """What a reader calls the others that are defined."""
        titles = FURTHER | OF_PROBABILITIES
        return {name: titles[name].format(unit=self.unit) for name in titles if name in self.scores}

    def rows(self) -> list[tuple[str, ...]]:
        """Title and value of every score."""
        return [(title, f"{self.scores[name]:.4f}") for name, title in (self.titles | self.further).items()]

    def summary(self) -> str:
        """The classes, where there are several, how many images and groups, and the worst."""
        worst = min(self.cases, key=lambda case: case.iou)
        groups = f" of {self.cohort.units} groups" if self.groups else ""
        images = f"{len(self.cases)} images{groups}; the worst is {worst.id}, IoU {worst.iou:.3f}"
        several = [one.summary() for one in self.classes] if len(self.classes) > 1 else []
        return "\n".join([*several, images])

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        return {
            "scores": self.scores,
            "unit": self.unit,
            "classes": [{**vars(one)} for one in self.classes],
            "groups": {name: {"images": self.cohort.size(name), **scores} for name, scores in self.groups.items()},
            "cases": [case.to_dict() for case in self.cases],
        }


def _cases(cohort: Cohort) -> list[Case]:
    sums = cohort.cases
    there = in_image(sums["pixels"])
    counted = there | ~there.any(-1, keepdim=True)

    def mean(sums: dict[str, Tensor]) -> dict[str, Tensor]:
        scores = {name: score for name, score in by_class(sums).items() if name not in OF_DATASETS}
        return {name: score.where(counted, float("nan")).nanmean(-1) for name, score in scores.items()} | of_probabilities(
            sums
        )

    scores = defined(mean, sums)
    lesions = sums["lesions"][..., 0].sum(-1).int().tolist()
    rows = zip(cohort.ids, cohort.groups, scores, lesions, _by_class(sums, there), strict=True)
    return [Case(*row) for row in rows]


def _by_class(sums: dict[str, Tensor], there: Tensor) -> list[dict[int, dict[str, float]]]:
    """Of each case the scores of each class in it, where there are several."""
    classes = there.shape[1]
    if classes == 1:
        return [{} for _ in there]
    columns = [
        defined(lambda sums, c=c: {n: s[:, c] for n, s in by_class(sums).items() if n not in OF_DATASETS}, sums)
        for c in range(classes)
    ]
    return [{c + 1: columns[c][row] for c in range(classes) if there[row, c]} for row in range(len(there))]


def _classes(sums: dict[str, Tensor], names: Sequence[str]) -> list[ClassScores]:
    hit, false, missed = sums["pixels"].long().unbind(-1)
    scores = defined(by_class, sums | {"images": sums["images"]})
    rows = zip(names[1:], (hit + missed).tolist(), (hit + false).tolist(), scores, strict=True)
    return [ClassScores(label, *row) for label, row in enumerate(rows, start=1)]
