"""Instances told apart, where the masks of a set hold them: nuclei, glands, each with a number or a file of its own."""

import numpy as np

from edgewise._ground.errors import DataError
from edgewise.vision.data.coding import VOID, Binary, Coding, Instances, Soft
from edgewise.vision.data.dataset import SegmentationSet
from edgewise.vision.data.mask_file import MaskFile, read_mask_file
from edgewise.vision.data.sample import Sample


def has_instances(dataset: SegmentationSet) -> bool:
    """Whether the masks tell instances of one foreground apart: by their numbers, or some picture has several files."""
    if not all(isinstance(sample.coding, Binary | Soft) for sample in dataset):
        return False
    return any(isinstance(sample.coding, Instances) or len(sample.masks) > 1 for sample in dataset)


def read_instances(sample: Sample) -> np.ndarray:
    """The number of the instance that each pixel is of, integers ``(H, W)`` from 1 on; 0 is the background.

    Each file is an instance, or, where the sample's rule is `Instances`, each number in each file. A pixel that is of
    several is of the first.

    Args:
        sample: One with a rule for its masks.

    Raises:
        DataError: A file is missing or broken, or the sample has no rule.
    """
    if not sample.masks or sample.coding is None:
        raise DataError(f"sample {sample.id} ({sample.image}) has no mask or no rule for it: take it from a dataset")
    numbered = [_numbered(read_mask_file(path, sample.page), sample.coding) for path in sample.masks]
    instances, last = np.zeros_like(numbered[0]), 0
    for numbers in numbered:
        instances = np.where((instances == 0) & (numbers > 0), numbers + last, instances)
        last += int(numbers.max())
    return instances


def _numbered(mask: MaskFile, coding: Coding) -> np.ndarray:
    """The instances of one file, numbered from 1."""
    if not isinstance(coding, Instances):
        return (coding(mask) % VOID > 0).astype(np.int64)
    found = mask.plane(coding.plane)
    values, places = np.unique(found, return_inverse=True)
    return (np.cumsum(values != 0) * (values != 0))[places.reshape(found.shape)]
