"""Two methods on the same images: how much better are the masks of one, and how sure is that."""

from dataclasses import dataclass

from edgewise.vision.segmentation.evaluation import Evaluation
from edgewise.vision.segmentation.scores.bootstrap import differences
from edgewise.vision.segmentation.scores.summary import means
from edgewise.vision.training.comparing import Paired


@dataclass(frozen=True)
class Comparison(Paired[Evaluation]):
    """The scores of two methods and their differences, the first less the second."""

    @classmethod
    def of(cls, first: Evaluation, second: Evaluation) -> "Comparison":
        """Compare two evaluations of the same images.

        Raises:
            DataError: The images, their groups or their masks are not the same.
        """
        return cls(first, second, differences(first.cohort, second.cohort, means))
