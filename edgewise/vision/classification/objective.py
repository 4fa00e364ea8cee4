"""What a classifier minimises: cross-entropy, with a weight for each class where classes are rare."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgewise._ground.errors import DataError
from edgewise.vision.classification.recipe import ClassificationRecipe


class WeightedCrossEntropy(nn.Module):
    r"""Cross-entropy with weights of the classes, :math:`-\frac1N \sum_n \sum_c w_c q_{nc} \log p_{nc}`.

    The mean is over pictures, not over their weights, so that a picture counts the same in every batch. With smoothing s
    the target q of a picture of class y is :math:`1 - s + s / C` for y and s / C for each other of the C classes.

    Args:
        weights: Of the classes; None: all 1.
        smoothing: Part of the target that is spread over all classes.

    Example:
        >>> loss = WeightedCrossEntropy([1.0, 3.0])
        >>> round(loss(torch.zeros(2, 2), torch.tensor([0, 1])).item(), 4)  # log 2 (1 + 3) / 2
        1.3863
    """

    weights: Tensor | None

    def __init__(self, weights: Sequence[float] | None = None, smoothing: float = 0.0):
        super().__init__()
        self.register_buffer("weights", None if weights is None else torch.tensor(weights), persistent=False)
        self.smoothing = smoothing

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The loss, a scalar.

        Args:
            logits: ``(N, classes)``.
            targets: The class of each, integers ``(N,)``, or the part of each class in it, ``(N, classes)``.
        """
        weights = None if self.weights is None else self.weights.to(logits.dtype)
        return F.cross_entropy(logits, targets, weights, label_smoothing=self.smoothing, reduction="none").mean()


def loss_of(recipe: ClassificationRecipe, facts: Mapping[str, Any], smoothing: float = 0.0) -> WeightedCrossEntropy:
    """The loss of a run.

    Args:
        recipe: Its recipe.
        facts: What it noted, ``class_weights`` among it where they were counted.
        smoothing: Part of the target that is spread over all classes.
    """
    known = {"equal": None, "balanced": facts.get("class_weights")}
    weights = known[recipe.class_weights] if isinstance(recipe.class_weights, str) else recipe.class_weights
    return WeightedCrossEntropy(weights, smoothing)


def balanced(labels: np.ndarray, classes: Sequence[str]) -> list[float]:
    """Weights by which all classes count the same, ``pictures / (classes * pictures of the class)``.

    Args:
        labels: The class of each picture of the training side, integers ``(N,)``.
        classes: Names of the classes.

    Raises:
        DataError: A class has no picture.

    Example:
        >>> balanced(np.array([0, 0, 0, 1]), ["well", "sick"])
        [0.6666666666666666, 2.0]
    """
    counts = np.bincount(labels, minlength=len(classes))
    if absent := [name for name, count in zip(classes, counts, strict=True) if not count]:
        raise DataError(
            f"no picture of the training side is of class {', '.join(absent)}, so class_weights='balanced' has no weight "
            "for it: give numbers as class_weights, or another data.split_seed"
        )
    return (len(labels) / (len(classes) * counts)).tolist()
