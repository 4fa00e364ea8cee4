"""The scores of each case and of each class, for tables and files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from edgewise.vision.segmentation.metrics import in_image
from edgewise.vision.segmentation.scores.bootstrap import intervals
from edgewise.vision.segmentation.scores.cohort import Cohort, defined
from edgewise.vision.segmentation.scores.instances import of_objects
from edgewise.vision.segmentation.scores.summary import by_class, of_probabilities
from edgewise.vision.training.bootstrap import Interval

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
    intervals: dict[str, Interval]
    """The 95 % intervals of the same."""

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


def cases_of(cohort: Cohort) -> list[Case]:
    """The scores of each case."""
    sums = cohort.cases
    there = in_image(sums["pixels"])
    counted = there | ~there.any(-1, keepdim=True)
    mean = {name: score.where(counted, torch.nan).nanmean(-1) for name, score in _of_one(sums).items()}
    scores = defined(lambda sums: mean | of_objects(sums) | of_probabilities(sums), sums)
    lesions = sums["lesions"][..., 0].sum(-1).int().tolist()
    rows = zip(cohort.ids, cohort.groups, scores, lesions, _by_class(sums, there), strict=True)
    return [Case(*row) for row in rows]


def _of_one(sums: dict[str, Tensor]) -> dict[str, Tensor]:
    """The scores of each class, (cases, classes), that are something of a single case."""
    return {name: score for name, score in by_class(sums).items() if name not in OF_DATASETS}


def _by_class(sums: dict[str, Tensor], there: Tensor) -> list[dict[int, dict[str, float]]]:
    """Of each case the scores of each class in it, where there are several."""
    classes, scores = there.shape[1], _of_one(sums)
    if classes == 1:
        return [{} for _ in there]
    columns = [defined(lambda _, c=c: {name: part[:, c] for name, part in scores.items()}, sums) for c in range(classes)]
    return [{c + 1: columns[c][row] for c in range(classes) if there[row, c]} for row in range(len(there))]


def classes_of(cohort: Cohort, names: Sequence[str]) -> list[ClassScores]:
    """The scores of each foreground class; the first of the names is that of the background."""
    sums = cohort.sums
    hit, false, missed = sums["pixels"].long().unbind(-1)
    columns = (
        names[1:],
        (hit + missed).tolist(),
        (hit + false).tolist(),
        defined(by_class, sums),
        intervals(cohort, by_class),
    )
    return [ClassScores(label, *row) for label, row in enumerate(zip(*columns, strict=True), start=1)]
