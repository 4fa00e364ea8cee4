"""Whether each lesion is found, whatever its size."""

from typing import NamedTuple

import numpy as np

from edgewise._ground.optional import require


class Lesions(NamedTuple):
    """How many lesions there are in the truth and in the prediction, and how many of them meet."""

    true: int
    """In the truth."""
    found: int
    """Of these, those that have a predicted pixel."""
    predicted: int
    """In the prediction."""
    false: int
    """Of these, those that have no true pixel."""


def components(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """The connected parts of a mask, numbered from 1, and how many they are; pixels that share a corner are connected.

    Args:
        mask: Bool, of 2 or 3 dimensions.

    Example:
        >>> components(np.eye(3, dtype=bool))[1], components(np.array([[True, False, True]]))[0].tolist()
        (1, [[1, 0, 2]])
    """
    return require("scipy.ndimage", extra="training").label(mask, np.ones((3,) * mask.ndim))


def lesions(prediction: np.ndarray, truth: np.ndarray, known: np.ndarray | None = None) -> Lesions:
    """Count lesions: connected parts (:func:`components`), of which one is found where a single pixel meets.

    One prediction over the whole picture thus finds all lesions: read precision beside it. A predicted lesion that reaches
    across pixels of which no truth is known is still one; one that lies in such pixels alone does not count.

    Args:
        prediction: Which pixels are predicted, bool, of 2 or 3 dimensions.
        truth: Which pixels are so in truth, of the same shape.
        known: Of which pixels the truth is known, of the same shape; None: of all.

    Example:
        >>> lesions(np.array([[True, False, True, False, True]]), np.array([[True, True, True, False, False]]))
        Lesions(true=1, found=1, predicted=3, false=1)
    """
    known = np.ones_like(truth) if known is None else known
    both = prediction & truth & known
    parts, true = components(truth & known)
    guesses, _ = components(prediction)
    predicted = len(np.unique(guesses[prediction & known]))
    return Lesions(true, len(np.unique(parts[both])), predicted, predicted - len(np.unique(guesses[both])))
