"""What is in a dataset, in numbers."""

from collections import Counter

import numpy as np

from edgewise.data.dataset import SegmentationSet
from edgewise.data.duplicates import find_duplicates


def describe(dataset: SegmentationSet) -> dict[str, object]:
    """Read every sample and sum the dataset up.

    Returns:
        ``name``, ``samples``, ``channels``; ``sizes``, the number of samples by (height, width), commonest first;
        ``foreground``, the mean fraction of a picture that its mask covers; ``smallest`` and ``largest``, its range;
        ``empty_masks``; ``duplicates``, the pairs of one picture; ``citation``.

    Raises:
        DataError: A file is missing or broken.
    """
    masks = [sample.read_mask() for sample in dataset]
    covered = np.array([mask.mean() for mask in masks])
    return {
        "name": dataset.name,
        "samples": len(dataset),
        "channels": dataset.channels,
        "sizes": dict(Counter(mask.shape for mask in masks).most_common()),
        "foreground": float(covered.mean()),
        "smallest": float(covered.min()),
        "largest": float(covered.max()),
        "empty_masks": int((covered == 0).sum()),
        "duplicates": find_duplicates(dataset),
        "citation": dataset.citation,
    }
