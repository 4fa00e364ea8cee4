"""What is in a dataset, in numbers."""

import hashlib
from collections import Counter

import numpy as np

from edgewise.vision.data.classification import ClassificationSet
from edgewise.vision.data.dataset import SegmentationSet
from edgewise.vision.data.duplicates import find_duplicates


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


def describe_classes(dataset: ClassificationSet) -> dict[str, object]:
    """Read every picture of a classification dataset and sum it up.

    Returns:
        ``name``, ``samples``, ``channels``; ``sizes``, the number of pictures by (height, width), commonest first;
        ``classes``, the number of pictures of each; ``duplicates``, groups of names whose pixels are the same byte for
        byte; ``citation``.

    Raises:
        DataError: A file is missing or broken.
    """
    sizes: Counter[tuple[int, ...]] = Counter()
    same: dict[bytes, list[str]] = {}
    for index in range(len(dataset)):
        picture = dataset.pictures[index]
        sizes[picture.shape[:2]] += 1
        key = hashlib.sha256(np.ascontiguousarray(picture)).digest() + str(picture.shape).encode()
        same.setdefault(key, []).append(dataset.id(index))
    counts = np.bincount(dataset.labels, minlength=len(dataset.classes)).tolist()
    return {
        "name": dataset.name,
        "samples": len(dataset),
        "channels": dataset.channels,
        "sizes": dict(sizes.most_common()),
        "classes": dict(zip(dataset.classes, counts, strict=True)),
        "duplicates": [names for names in same.values() if len(names) > 1],
        "citation": dataset.citation,
    }
