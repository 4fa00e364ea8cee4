"""The threshold that a run's validation images asked for, and the decision that a run makes."""

import hashlib
from dataclasses import asdict, dataclass, replace

from edgewise._ground.errors import CheckpointError, warn
from edgewise.io import read_json, write_json
from edgewise.vision.segmentation.decision import Decision
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.training.files import RunFiles

NAME = "threshold.json"


@dataclass(frozen=True, kw_only=True)
class TunedThreshold:
    """A threshold chosen on validation images; ``threshold.json`` in the run's folder holds it."""

    threshold: float
    """A pixel is foreground above this probability."""
    iou: float
    """IoU over all pixels of the validation images with it."""
    iou_before: float
    """The same with the threshold of the recipe, to three digits."""
    images: int
    """Validation images."""
    weights: str
    """SHA-256 of the file of the weights that it was chosen for."""

    def summary(self) -> str:
        """A sentence on it.

        Example:
            >>> TunedThreshold(threshold=0.41, iou=0.82, iou_before=0.8, images=9, weights="").summary()
            'threshold 0.41 chosen on 9 validation images, where IoU is 0.8200 with it and was 0.8000'
        """
        return (
            f"threshold {self.threshold:g} chosen on {self.images} validation images, where IoU is {self.iou:.4f} with it "
            f"and was {self.iou_before:.4f}"
        )

    def write(self, run: RunFiles) -> None:
        """Keep it in a run, for all that is made of the run from now on."""
        write_json(run.path / NAME, asdict(self))


def read_threshold(run: RunFiles) -> TunedThreshold | None:
    """The threshold that is kept in a run; None where there is none, or, with a warning, where it was for other weights.

    Raises:
        CheckpointError: The file is damaged.

    Warns:
        EdgewiseWarning: The run has learned on since.
    """
    path = run.path / NAME
    if not path.exists():
        return None
    try:
        tuned = TunedThreshold(**read_json(path))
        Decision(threshold=(tuned.threshold,))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is not edgewise's ({error}): delete it or tune the threshold again") from error
    if tuned.weights != digest_of(run):
        warn(f"{path} was chosen for other weights than the run has now and is not used: tune the threshold again")
        return None
    return tuned


def decision_of(run: RunFiles, asked: Decision | None = None) -> Decision:
    """What is made of the probabilities of a run.

    Args:
        run: The run, whose recipe says it, with the threshold that was tuned, if one was.
        asked: What somebody wants instead; where it says nothing, the run does.
    """
    decision, tuned = run.read_recipe(SegmentationRecipe).decision, read_threshold(run)
    if tuned is not None:
        decision = replace(decision, threshold=(tuned.threshold,))
    return decision if asked is None else asked.over(decision)


def digest_of(run: RunFiles) -> str:
    """SHA-256 of the file of the best weights."""
    with run.model.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
