"""The least that a network must beat: one grey level, the best on the training images."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from edgewise.vision.data import SegmentationSet
from edgewise.vision.data.preprocess import LUMINANCE
from edgewise.vision.segmentation.metrics import overlap

LEVELS = 1024


@dataclass(frozen=True)
class Threshold:
    """Foreground is what is at least as bright as ``level``, or darker than it, in grey levels of [0, 1].

    Example:
        >>> Threshold(0.5, bright=True)(np.array([[[0.2, 0.5, 0.9]]])).tolist()
        [[0, 1, 1]]
    """

    level: float
    bright: bool

    def __call__(self, image: np.ndarray) -> Tensor:
        """The class of each pixel, integers (H, W), of a picture (C, H, W) in [0, 1]."""
        return torch.from_numpy((_grey(image) >= self.level) == self.bright).long()


def fit_threshold(dataset: SegmentationSet) -> Threshold:
    """The threshold of largest IoU over all pixels of a dataset, among 1024 levels, bright or dark; void ones are left out.

    Args:
        dataset: The training images, with one foreground.
    """
    inside, outside = np.zeros(LEVELS + 1), np.zeros(LEVELS + 1)
    for sample in dataset:
        image, mask = sample.read()
        # The level that a pixel reaches: it is foreground for thresholds up to here.
        level = np.floor(_grey(image) * LEVELS).astype(int)
        inside += np.bincount(level[mask == 1], minlength=LEVELS + 1)
        outside += np.bincount(level[mask == 0], minlength=LEVELS + 1)
    bright = _iou(inside[::-1].cumsum()[::-1], outside[::-1].cumsum()[::-1], inside.sum())
    dark = _iou(inside.cumsum() - inside, outside.cumsum() - outside, inside.sum())
    scores, is_bright = (bright, True) if bright.max() >= dark.max() else (dark, False)
    return Threshold(int(scores.argmax()) / LEVELS, is_bright)


def _iou(hit: np.ndarray, false: np.ndarray, total: float) -> np.ndarray:
    """IoU at each level from the foreground and background pixels taken, and all foreground pixels."""
    counts = torch.from_numpy(np.stack([hit, false, total - hit], axis=-1))
    return overlap(counts)[0].numpy()


def _grey(image: np.ndarray) -> np.ndarray:
    return image[0] if len(image) == 1 else np.tensordot(LUMINANCE, image, axes=1)
