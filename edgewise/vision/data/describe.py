"""What is in a dataset, in numbers."""

import hashlib
from collections import Counter
from typing import TypedDict

import numpy as np

from edgewise.vision.data.classes import ClassCount, count_classes
from edgewise.vision.data.classification import ClassificationSet
from edgewise.vision.data.coding import VOID
from edgewise.vision.data.dataset import SegmentationSet
from edgewise.vision.data.duplicates import Duplicate, find_duplicates


class Description(TypedDict):
    """What is in a dataset of pictures with masks."""

    name: str
    samples: int
    channels: int
    sizes: dict[tuple[int, ...], int]
    """The number of samples by (height, width), commonest first."""
    masks: str
    """How their values are read."""
    classes: list[ClassCount]
    """Each class that is there."""
    window: tuple[float, float] | None
    """The grey levels that become 0 and 1; None where pictures have 8 bits."""
    foreground: float
    """The mean fraction of a picture that is neither background nor void."""
    smallest: float
    """The least of these fractions."""
    largest: float
    """The largest of them."""
    empty_masks: int
    groups: int | None
    """How many there are; None where some are unknown."""
    duplicates: list[Duplicate]
    """The pairs of one picture."""
    citation: str


class ClassDescription(TypedDict):
    """What is in a dataset of pictures with classes."""

    name: str
    samples: int
    channels: int
    sizes: dict[tuple[int, ...], int]
    """The number of pictures by (height, width), commonest first."""
    classes: dict[str, int]
    """The number of pictures of each."""
    duplicates: list[list[str]]
    """Groups of names whose pixels are the same byte for byte."""
    citation: str


def describe(dataset: SegmentationSet) -> Description:
    """Read every sample and sum the dataset up.

    Raises:
        DataError: A file is missing or broken, or a mask has a value that its rule does not know.
    """
    masks = [sample.read_mask() for sample in dataset]
    covered = np.array([(mask % VOID > 0).mean() for mask in masks])
    groups = {sample.group for sample in dataset}
    windows = {sample.window for sample in dataset} - {None}
    return {
        "name": dataset.name,
        "samples": len(dataset),
        "channels": dataset.channels,
        "sizes": dict(Counter(mask.shape for mask in masks).most_common()),
        "masks": dataset.coding.describe() if dataset.coding else "each by its own values",
        "classes": count_classes(dataset, dataset.legend.names if dataset.legend else ()),
        "window": windows.pop() if len(windows) == 1 else None,
        "foreground": float(covered.mean()),
        "smallest": float(covered.min()),
        "largest": float(covered.max()),
        "empty_masks": int((covered == 0).sum()),
        "groups": None if None in groups else len(groups),
        "duplicates": find_duplicates(dataset),
        "citation": dataset.citation,
    }


def describe_classes(dataset: ClassificationSet) -> ClassDescription:
    """Read every picture of a classification dataset and sum it up.

    Raises:
        DataError: A file is missing or broken.
    """
    sizes: Counter[tuple[int, ...]] = Counter()
    same: dict[bytes, list[str]] = {}
    for index in range(len(dataset)):
        picture = dataset.pictures[index]
        sizes[picture.shape[:2]] += 1
        key = hashlib.sha256(np.ascontiguousarray(picture).data).digest() + str(picture.shape).encode()
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
