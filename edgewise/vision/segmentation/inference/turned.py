"""Test-time augmentation: a picture is seen turned and flipped too, and probabilities are averaged."""

import itertools

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.vision.segmentation.inference.predicting import MaskPredictor


class Turned(MaskPredictor):
    r"""The mean of a predictor over a group of turns and flips :math:`g` of a picture, each turned back.

    .. math:: p(x) = \frac{1}{|G|} \sum_{g \in G} g^{-1} f(g x)

    So what is made of a picture turned is what is made of the picture, turned: :math:`p(g x) = g p(x)`. The group is that
    of training: the eight of the square; without quarter turns four, as where height and width of the network's input
    differ; or left and right alone, two. The work is done as many times.

    Args:
        predictor: What predicts.

    Raises:
        ConfigError: Pictures were neither turned nor flipped in training.
    """

    def __init__(self, predictor: MaskPredictor):
        super().__init__(predictor.decision, predictor.symmetry)
        self.predictor = predictor
        groups = {"mirror": (0,), "flips": (0, 2), "turns": (0, 1, 2, 3)}
        if self.symmetry not in groups:
            raise ConfigError(
                "pictures were neither turned nor flipped in training (augment.symmetry is none), so they cannot be now: "
                "predict them as they are"
            )
        self._quarters = groups[self.symmetry]

    def probabilities(self, image: np.ndarray) -> Tensor:
        """The mean of the probabilities (classes, H, W) of a picture (C, H, W) in [0, 1]."""
        first, *others = itertools.product(self._quarters, (False, True))
        total = self._seen(image, *first).copy()
        for quarters, flip in others:
            total += self._seen(image, quarters, flip)  # without a name: it goes before the next one comes
        total /= 2 * len(self._quarters)
        return torch.from_numpy(total)

    def _seen(self, image: np.ndarray, quarters: int, flip: bool) -> np.ndarray:
        """The probabilities of the picture flipped and then turned, turned and flipped back; by views, without copies."""
        picture = np.rot90(image[..., ::-1] if flip else image, quarters, (1, 2))
        found = np.rot90(self.predictor.probabilities(picture).numpy(), -quarters, (1, 2))
        return found[..., ::-1] if flip else found
