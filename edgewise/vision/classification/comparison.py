"""Two classifiers on the same pictures: how much better is one, and how sure is that."""

from dataclasses import dataclass

from edgewise.vision.classification.evaluation import ClassificationEvaluation
from edgewise.vision.training.comparing import Paired


@dataclass(frozen=True)
class ClassificationComparison(Paired[ClassificationEvaluation]):
    """The scores of two classifiers and their differences, the first less the second."""

    @classmethod
    def of(cls, first: ClassificationEvaluation, second: ClassificationEvaluation) -> "ClassificationComparison":
        """Compare two evaluations of the same pictures.

        Raises:
            DataError: The pictures, their classes or their groups are not the same.
        """
        return cls(first, second, first.cohort.differences(second.cohort))
