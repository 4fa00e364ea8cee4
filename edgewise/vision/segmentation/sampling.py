"""How often pictures are seen where some classes are in few of them."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from edgewise.vision.data.coding import VOID
from edgewise.vision.data.sample import Sample


def repeat_factors(classes: Sequence[set[int]], threshold: float) -> list[float]:
    r"""How often each picture is seen, relative to one with frequent classes alone.

    A class in the part :math:`f_c` of all pictures counts :math:`r_c = \max(1, \sqrt{t / f_c})`, and a picture as much as
    the rarest class in it (Gupta, Dollar and Girshick, arXiv:1908.03195, section 3.4).

    Args:
        classes: Those in each picture.
        threshold: :math:`t`; classes in a larger part of the pictures than this are frequent.

    Example:
        >>> repeat_factors([{0}, {0}, {0}, {0, 1}], 1.0)
        [1.0, 1.0, 1.0, 2.0]
    """
    often = Counter(label for labels in classes for label in labels)
    factor = {label: max(1.0, math.sqrt(threshold * len(classes) / count)) for label, count in often.items()}
    return [max((factor[label] for label in labels), default=1.0) for labels in classes]


def classes_in(samples: Iterable[Sample]) -> list[set[int]]:
    """The classes in the masks of each sample, without void.

    Raises:
        DataError: A mask is missing or broken.
    """
    return [set(np.unique(sample.read_classes()).tolist()) - {VOID} for sample in samples]
