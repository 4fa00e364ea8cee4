"""Several predictors as one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.vision.segmentation.decision import Decision
from edgewise.vision.segmentation.inference.predicting import SYMMETRIES, MaskPredictor


class Ensemble(MaskPredictor):
    """The mean of the probabilities of several predictors, each of which sees the picture in its own way.

    Args:
        predictors: One or more, of the same classes.
        decision: What is made of the mean; where it says nothing, what the predictors agree on, with the mean of their
            thresholds.

    Raises:
        ConfigError: There is none, or they agree on nothing.
    """

    def __init__(self, predictors: Sequence[MaskPredictor], decision: Decision | None = None):
        if not predictors:
            raise ConfigError("an ensemble has no predictor: give at least one")
        symmetry = min((predictor.symmetry for predictor in predictors), key=SYMMETRIES.index)
        asked = decision or Decision()
        super().__init__(_agreed([asked.over(predictor.decision) for predictor in predictors]), symmetry)
        self.predictors = list(predictors)

    def probabilities(self, image: np.ndarray) -> Tensor:
        """The mean of the probabilities (classes, H, W) of a picture (C, H, W) in [0, 1].

        Raises:
            ConfigError: The predictors are of other classes.
        """
        first, *others = self.predictors
        total = first.probabilities(image).clone()
        for other in others:
            part = other.probabilities(image)
            if part.shape != total.shape:
                raise ConfigError(
                    f"members of an ensemble give {len(total)} and {len(part)} classes: give members of the same classes"
                )
            total += part
            del part  # before the next one comes, since a picture may be large
        return total.div_(len(self.predictors))  # in place, since a picture may be large


def _agreed(decisions: Sequence[Decision]) -> Decision:
    """The decision of all, with the mean of thresholds."""
    first = decisions[0]
    if all(decision == first for decision in decisions):
        return first
    if len({replace(decision, threshold=()) for decision in decisions}) > 1:
        raise ConfigError(
            f"members of an ensemble keep other components, as {first} and "
            f"{next(other for other in decisions if other != first)} do: state a decision for all of them"
        )
    bounds = [decision.threshold or () for decision in decisions]
    if len({len(each) for each in bounds}) > 1:
        raise ConfigError("some members of an ensemble have thresholds that others have not: state one for all of them")
    return replace(first, threshold=tuple(sum(each) / len(each) for each in zip(*bounds, strict=True)))
