"""What an evaluation of a classifier found: scores of all pictures, of each class, and what was said of each picture."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from edgewise.vision.classification.cohort import Cohort
from edgewise.vision.classification.metrics import OF_CLASSES, SCORES
from edgewise.vision.training.bootstrap import Interval, sampling

LISTED = 20
"""Classes at most that are told one by one."""


@dataclass(frozen=True)
class Case:
    """What was said of a picture."""

    index: int
    """Its place in the dataset."""
    id: str
    group: str | None
    """What it belongs to, such as a patient."""
    truth: str
    prediction: str
    probability: float
    """Of the class that it was named."""
    of_truth: float
    """The probability of its true class."""


@dataclass(frozen=True)
class ClassScores:
    """The scores of one class against the rest; without a picture of it, they are left out of the means."""

    name: str
    count: int
    """Pictures of it."""
    predicted: int
    """Pictures that were named so."""
    scores: dict[str, float]
    """``sensitivity``, ``specificity``, ``precision``, ``f1`` and ``auc``; those that are not defined are left out."""
    intervals: dict[str, Interval]
    """The 95 % intervals of the same."""

    def summary(self) -> str:
        """A line on it."""
        if not self.count:
            return f"{self.name}: no scored picture is of it, so it is left out of the means; {self.predicted} named so"
        shown = ("sensitivity", "specificity", "auc")
        parts = [f"{OF_CLASSES[name]} {self.scores[name]:.4f}" for name in shown if name in self.scores]
        return f"{self.name}: {', '.join(parts)}, {self.count} pictures"


@dataclass(frozen=True)
class ClassificationEvaluation:
    """Scores of a dataset, defined in :mod:`edgewise.vision.classification.metrics`, and what they are made of."""

    scores: dict[str, float]
    """By name; those that are not defined are left out."""
    intervals: dict[str, Interval]
    """The 95 % intervals of the same, by bootstrap over groups; none where there is only one group."""
    classes: list[ClassScores]
    """Every class."""
    cases: list[Case] = field(repr=False)
    """Every picture, in the dataset's order."""
    confusion: np.ndarray = field(repr=False)
    """Pictures by true class and by predicted one."""
    bins: np.ndarray = field(repr=False)
    """(15, 3): pictures, sum of probabilities and pictures named right, by the largest probability."""
    cohort: Cohort = field(repr=False, compare=False)
    """What was said of all pictures."""

    digits: ClassVar[dict[str, int]] = dict.fromkeys(SCORES, 4)
    """Digits after the point."""
    lower: ClassVar[tuple[str, ...]] = ("ece", "log_loss")
    """Scores that are better the lower they are."""

    @classmethod
    def of(cls, cohort: Cohort, names: Sequence[str]) -> "ClassificationEvaluation":
        """All scores of what was said of pictures.

        Args:
            cohort: What was said.
            names: Of the classes.
        """
        whole, each = cohort.scores()
        intervals, of_classes = cohort.intervals()
        size, found = len(names), cohort.logits.argmax(1)
        confusion = torch.bincount(cohort.labels * size + found, minlength=size**2).reshape(size, size)
        columns = (names, confusion.sum(1).tolist(), confusion.sum(0).tolist())
        scores = [_defined({name: part[0, index] for name, part in each.items()}) for index in range(size)]
        classes = [ClassScores(*row) for row in zip(*columns, scores, of_classes, strict=True)]
        counts = (confusion.double().numpy(), cohort.bins.numpy())
        return cls(
            _defined({n: p[0] for n, p in whole.items()}), intervals, classes, _cases(cohort, names), *counts, cohort
        )

    @classmethod
    def together(cls, parts: Sequence["ClassificationEvaluation"], order: Sequence[int]) -> "ClassificationEvaluation":
        """The scores of all pictures of several evaluations.

        Args:
            parts: The evaluations, of the same classes.
            order: The places of all pictures, one part after the other, in the order that they are to have.
        """
        names = [one.name for one in parts[0].classes]
        return cls.of(Cohort.together([part.cohort for part in parts], order), names)

    @property
    def count(self) -> int:
        """Pictures scored."""
        return len(self.cases)

    @property
    def titles(self) -> dict[str, str]:
        """What a reader calls each score."""
        return {name: title for name, title in SCORES.items() if name in self.scores}

    @property
    def further(self) -> dict[str, str]:
        """What a reader calls the scores that stand behind the others: none does."""
        return {}

    @property
    def mistakes(self) -> list[Case]:
        """What was named wrong, the surest first."""
        return sorted((case for case in self.cases if case.truth != case.prediction), key=lambda case: -case.probability)

    @property
    def worst_first(self) -> list[Case]:
        """Every picture, the least probable true class first."""
        return sorted(self.cases, key=lambda case: case.of_truth)

    def rows(self) -> list[tuple[str, ...]]:
        """Title, value and interval of every score."""
        return [(title, f"{self.scores[name]:.4f}", self.interval(name)) for name, title in self.titles.items()]

    def interval(self, name: str) -> str:
        """The interval of a score as a reader sees it; empty where there is none."""
        return self.intervals[name].show(self.digits[name]) if name in self.intervals else ""

    def summary(self) -> str:
        """The classes, if few, how many pictures, which are hardest to tell, and what the intervals are over."""
        wrong = self.confusion - np.diag(np.diag(self.confusion))
        truth, found = np.unravel_index(wrong.argmax(), wrong.shape)
        names = [one.name for one in self.classes]
        worst = f"; most often {names[truth]} is taken for {names[found]} ({int(wrong.max())})" if wrong.any() else ""
        shown = [one.summary() for one in self.classes if not one.count or len(self.classes) <= LISTED]
        return "\n".join([*shown, f"{self.count} pictures, {int(wrong.sum())} named wrong{worst}", self.sampling()])

    def sampling(self) -> str:
        """What the intervals are over."""
        return sampling(self.cohort.units, self.count, self.cohort.groups is not None)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values, the pictures in the dataset's order.

        Of at most 20 classes, each picture has its ``probabilities`` of all.
        """
        cases = [{name: value for name, value in asdict(case).items() if name != "index"} for case in self.cases]
        if len(self.classes) <= LISTED:
            for case, chances in zip(cases, self.cohort.logits.double().softmax(1).tolist(), strict=True):
                case["probabilities"] = chances
        return {
            "scores": self.scores,
            "intervals": self.intervals,
            "count": self.count,
            "classes": [asdict(one) for one in self.classes],
            "confusion": self.confusion.tolist(),
            "bins": self.bins.tolist(),
            "cases": cases,
        }


def _defined(scores: dict[str, Tensor]) -> dict[str, float]:
    return {name: score.item() for name, score in scores.items() if not score.isnan()}


def _cases(cohort: Cohort, names: Sequence[str]) -> list[Case]:
    chances, found = cohort.logits.double().softmax(1), cohort.logits.argmax(1)
    sure = chances.amax(1)
    of_truth = chances.gather(1, cohort.labels[:, None])[:, 0]
    groups = cohort.groups or (None,) * len(cohort.ids)
    truths: list[int] = cohort.labels.tolist()
    named: list[int] = found.tolist()
    return [
        Case(at, cohort.ids[at], groups[at], names[truth], names[other], sure[at].item(), of_truth[at].item())
        for at, (truth, other) in enumerate(zip(truths, named, strict=True))
    ]
