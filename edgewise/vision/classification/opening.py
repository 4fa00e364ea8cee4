"""Runs as one predictor of classes."""

from collections.abc import Callable, Sequence
from math import log
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.vision.classification.predict import ClassPredictor
from edgewise.vision.training.folder import RunFolder

Named = Callable[[Sequence[np.ndarray]], Tensor]
"""From pictures uint8 (H, W, C) to logits (B, classes)."""


class ClassEnsemble:
    r"""The mean of the probabilities of several predictors, each of which sees a picture in its own way.

    .. math:: p_c = \frac1M \sum_m \mathrm{softmax}(z_m)_c

    Args:
        predictors: One or more, of the same classes.

    Example:
        >>> sure, unsure = torch.tensor([[2.0, 0.0]]).log(), torch.tensor([[1.0, 1.0]]).log()
        >>> ClassEnsemble([lambda pictures: sure, lambda pictures: unsure])([]).softmax(1)
        tensor([[0.7500, 0.2500]], dtype=torch.float64)
    """

    def __init__(self, predictors: Sequence[Named]):
        self.predictors = list(predictors)

    def __call__(self, pictures: Sequence[np.ndarray]) -> Tensor:
        """The logarithm of the mean (B, classes), of which softmax makes the mean again."""
        each = [predictor(pictures).double().log_softmax(1) for predictor in self.predictors]
        return torch.stack(each).logsumexp(0) - log(len(each))


def open_classifier(runs: Sequence[str | Path], device: str | torch.device = "cpu") -> Named:
    """What names classes: the best epoch of a run, or the mean of several.

    Args:
        runs: Folders made by :func:`edgewise.vision.train`.
        device: Where to compute.

    Raises:
        CheckpointError: There is no run, it has done no epoch yet, or its model is corrupted.
        ConfigError: The runs know other classes.
    """
    predictors = [ClassPredictor.from_run(run, device) for run in runs]
    first, *others = ((run, RunFolder(run).read_facts()["classes"]) for run in runs)
    for run, classes in others:
        if classes != first[1]:
            raise ConfigError(
                f"{run} knows the classes {', '.join(classes)} and {first[0]} knows {', '.join(first[1])}: name one by one"
            )
    return predictors[0] if len(predictors) == 1 else ClassEnsemble(predictors)
