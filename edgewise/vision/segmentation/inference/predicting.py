"""What every predictor of masks does, whatever is within it."""

from abc import ABC, abstractmethod

import numpy as np
from torch import Tensor

from edgewise.vision.segmentation.decision import Decision

SYMMETRIES = ("none", "mirror", "flips", "turns")
"""Each with those before it: left and right exchanged, above and below too, quarter turns too."""


class MaskPredictor(ABC):
    """A function from a picture to the class of each of its pixels, by way of probabilities.

    Args:
        decision: What is made of the probabilities; it is completed.
        symmetry: How pictures may be turned and flipped, as one of ``SYMMETRIES``.
    """

    def __init__(self, decision: Decision | None = None, symmetry: str = "turns"):
        self.decision = (decision or Decision()).complete
        self.symmetry = symmetry

    @abstractmethod
    def probabilities(self, image: np.ndarray) -> Tensor:
        """The probability of each class (classes, H, W), background first; of one foreground (1, H, W).

        Args:
            image: A picture (C, H, W) in [0, 1].
        """

    def __call__(self, image: np.ndarray) -> Tensor:
        """The class of each pixel, integers (H, W), of a picture (C, H, W) in [0, 1]."""
        return self.decision(self.probabilities(image))
