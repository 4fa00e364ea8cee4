"""What an evaluation of masks found: scores of all cases, of each class, of each group and of each case."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from edgewise.vision.segmentation.scores.bootstrap import intervals
from edgewise.vision.segmentation.scores.cohort import Cohort, defined
from edgewise.vision.segmentation.scores.instances import TITLES as OF_OBJECTS
from edgewise.vision.segmentation.scores.records import Case, ClassScores, cases_of, classes_of
from edgewise.vision.segmentation.scores.summary import FURTHER, LOWER, MAIN, OF_PROBABILITIES, means
from edgewise.vision.training.bootstrap import Interval, sampling


@dataclass(frozen=True)
class Evaluation:
    """Scores of a dataset, defined in :mod:`edgewise.vision.segmentation.scores.summary`, and of each of its images."""

    scores: dict[str, float]
    """By name; those that are not defined are left out."""
    intervals: dict[str, Interval]
    """The 95 % intervals of the same, by bootstrap over groups; none where there is only one group."""
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
        (bounds,) = intervals(cohort, means)
        return cls(scores, bounds, cases_of(cohort), classes_of(cohort, names), cohort.by_group(), unit, cohort)

    @classmethod
    def together(cls, parts: Sequence["Evaluation"], order: Sequence[int]) -> "Evaluation":
        """The scores of all cases of several evaluations.

        Args:
            parts: The evaluations, of the same classes and the same unit.
            order: The places of all cases, one part after the other, in the order that they are to have.
        """
        names = ("background", *(one.name for one in parts[0].classes))
        return cls.of(Cohort.together([part.cohort for part in parts], order), parts[0].unit, names)

    @property
    def titles(self) -> dict[str, str]:
        """What a reader calls the scores that stand first."""
        return {name: title.format(unit=self.unit) for name, title in MAIN.items()}

    @property
    def further(self) -> dict[str, str]:
        """What a reader calls the others that are defined."""
        titles = FURTHER | OF_OBJECTS | OF_PROBABILITIES
        return {name: titles[name].format(unit=self.unit) for name in titles if name in self.scores}

    def rows(self) -> list[tuple[str, ...]]:
        """Title, value and interval of every score."""
        titles = self.titles | self.further
        return [(titles[name], f"{self.scores[name]:.4f}", self.interval(name)) for name in titles]

    def interval(self, name: str) -> str:
        """The interval of a score as a reader sees it; empty where there is none."""
        return self.intervals[name].show(self.digits.get(name, 3)) if name in self.intervals else ""

    def summary(self) -> str:
        """The classes, where there are several, how many images, the worst, and what the intervals are over."""
        worst = min(self.cases, key=lambda case: case.iou)
        images = f"{len(self.cases)} images; the worst is {worst.id}, IoU {worst.iou:.3f}"
        several = [one.summary() for one in self.classes] if len(self.classes) > 1 else []
        return "\n".join([*several, images, self.sampling()])

    def sampling(self) -> str:
        """What the intervals are over."""
        return sampling(self.cohort.units, len(self.cases), bool(self.groups))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        return {
            "scores": self.scores,
            "intervals": self.intervals,
            "unit": self.unit,
            "classes": [asdict(one) for one in self.classes],
            "groups": {name: {"images": self.cohort.size(name), **scores} for name, scores in self.groups.items()},
            "cases": [case.to_dict() for case in self.cases],
        }
