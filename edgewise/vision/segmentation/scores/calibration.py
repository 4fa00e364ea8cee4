"""Whether probabilities are true: what is called 80 % is right in 80 % of the pixels."""

from typing import NamedTuple

import numpy as np

BINS = 15


class Calibration(NamedTuple):
    """What adds up over pixels, in float64."""

    bins: np.ndarray
    """(15, 3): of each bin of probability the pixels, the sum of their probabilities, and how many are right."""
    squares: float
    """The sum of squared errors of all probabilities."""


def calibration(probabilities: np.ndarray, truth: np.ndarray, known: np.ndarray) -> Calibration:
    r"""Count pixels by the probability that was given to them.

    The expected calibration error is :math:`\sum_b \frac{N_b}{N} |a_b - c_b|` over 15 equal bins, with :math:`a_b` the part
    of a bin that is right and :math:`c_b` its mean probability (Guo et al., ICML 2017). With one foreground, the
    probability is that of the foreground, and right is a pixel that is foreground; with several classes, it is the largest,
    and right is a pixel of that class. The Brier score (Monthly Weather Review 78, 1950) is the mean of :math:`(p - y)^2`
    for one foreground, and of its sum over the classes for several.

    Args:
        probabilities: Of each class, (classes, *shape); with one foreground, (1, *shape).
        truth: Class of each pixel, ``shape``.
        known: Which pixels count, bool, ``shape``.

    Example:
        >>> sums = calibration(np.array([[0.9, 0.9, 0.1]]), np.array([1, 0, 0]), np.array([True, True, True]))
        >>> sums.bins[13], round(sums.squares, 3)
        (array([2. , 1.8, 1. ]), 0.83)
    """
    chances, labels = probabilities[:, known].astype(np.float64), truth[known]
    if len(chances) == 1:
        sure, right = chances[0], (labels == 1).astype(np.float64)
        squares = ((sure - right) ** 2).sum()
    else:
        sure, right = chances.max(0), (chances.argmax(0) == labels).astype(np.float64)
        own = np.take_along_axis(chances, labels[None].astype(np.int64), 0)[0]
        squares = ((chances**2).sum(0) + 1 - 2 * own).sum()  # of (p - y)^2, with y one for its own class alone
    place = (sure * BINS).astype(np.int64).clip(0, BINS - 1)
    columns = [np.bincount(place, weight, BINS) for weight in (None, sure, right)]
    return Calibration(np.stack(columns, 1).astype(np.float64), float(squares))
