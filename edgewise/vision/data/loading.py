"""Feed a `SegmentationSet` to a model: cached, resized, normalised, and augmented by (seed, epoch, index) alone."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from edgewise._ground.optional import require
from edgewise.vision.data.coding import VOID
from edgewise.vision.data.dataset import SegmentationSet
from edgewise.vision.data.preprocess import Preprocess
from edgewise.vision.data.windows import Windows

KEPT = 4 * 2**30
"""Bytes of pictures that are kept in memory."""


class SegmentationDataset(Dataset):
    """The samples as ``dict(image, mask, id)``: float32 ``(channels, H, W)``, float32 ``(1, H, W)`` of classes, str.

    A class is 0 for the background, 1 and up for the others, and 255 for what is void.

    Every file is read, checked and resized here, so a broken one is found before training starts. What fits into 4 GiB is
    kept in memory, and the rest is read again each time. Augmentation is a random quarter turn and a random flip. It and
    the places of windows are drawn from (seed, epoch, index) alone: an epoch gives the same bits in any order, with any
    number of workers, and in a run that was resumed.

    Args:
        data: The samples.
        preprocess: What they go through.
        augment: Turn and flip at random. Where height and width differ, only flips, which keep the shape.
        seed: Seed of the augmentation.
        windows: Which windows of a sample are items, each by itself; None: a sample is an item.

    Raises:
        DataError: A file is missing, broken, or of another size than its picture.
        MissingPackageError: Augmentation needs MONAI.
    """

    def __init__(
        self,
        data: SegmentationSet,
        preprocess: Preprocess,
        augment: bool = False,
        seed: int = 0,
        windows: Windows | None = None,
    ):
        self.data, self.preprocess, self.seed, self.windows = data, preprocess, seed, windows
        self.augment = _turns_and_flips(square=len(set(preprocess.size)) == 1) if augment else None
        # In shared memory: workers that outlive an epoch see the next one too.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}
        self._items: list[tuple[int, int]] = []
        free = KEPT
        for index in range(len(data)):
            pair = self._read(index)
            free -= sum(part.nbytes for part in pair)
            if free >= 0:
                self._kept[index] = pair
            height, width = pair[1].shape[1:]
            count = 1 if windows is None else windows.count((height, width))
            self._items += [(index, number) for number in range(count)]

    def set_epoch(self, epoch: int) -> None:
        """Choose the augmentations of this epoch; call it before the epoch's first batch is asked for."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> dict[str, Tensor | str]:
        which, number = self._items[index]
        image, mask = self._kept.get(which) or self._read(which)
        drawn = (self.seed, int(self._epoch), index)
        if self.windows is not None:
            rng = np.random.default_rng(np.random.SeedSequence(drawn, spawn_key=(1,)))
            image, mask = self.windows.cut(image, mask, number, rng)
        item = {
            "image": self.preprocess.pad(self.preprocess.normalise(image)),
            "mask": self.preprocess.pad(mask.float(), VOID),
        }
        if self.augment is not None:
            item = _augmented(self.augment, item, drawn)
        return item | {"id": self.data[which].id}

    def _read(self, index: int) -> tuple[Tensor, Tensor]:
        """A picture and its mask resized, without borders."""
        image, mask = self.data[index].read()
        return self.preprocess.resize_image(image), self.preprocess.resize_mask(mask).to(torch.uint8)


class EpochSampler(Sampler[int]):
    """All indices in an order drawn from (seed, epoch) alone, so that a resumed epoch sees what it would have seen.

    Args:
        length: Number of samples.
        seed: Seed of the orders.

    Example:
        >>> sampler = EpochSampler(4, seed=0)
        >>> first = list(sampler); sampler.set_epoch(1); second = list(sampler); sampler.set_epoch(0)
        >>> first == list(sampler), first == second, sorted(second)
        (True, False, [0, 1, 2, 3])
    """

    def __init__(self, length: int, seed: int = 0):
        self.length, self.seed, self.epoch = length, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        return iter(np.random.default_rng((self.seed, self.epoch)).permutation(self.length).tolist())


def _augmented(augment: Any, item: dict[str, Tensor], numbers: tuple[int, ...]) -> dict[str, Tensor]:
    """What MONAI makes of an item, drawn from the numbers alone."""
    augment.set_random_state(seed=int(np.random.SeedSequence(numbers).generate_state(1)[0]))
    return {key: value.as_tensor().contiguous() for key, value in augment(item).items()}


def _turns_and_flips(square: bool):
    """A uniform draw from the symmetries of the square, or of the rectangle where sides differ."""
    transforms = require("monai.transforms", extra="training")
    keys = ("image", "mask")
    flip_rows = transforms.RandFlipd(keys, prob=0.5, spatial_axis=0)
    if square:
        return transforms.Compose([transforms.RandRotate90d(keys, prob=0.75, max_k=3), flip_rows])
    return transforms.Compose([flip_rows, transforms.RandFlipd(keys, prob=0.5, spatial_axis=1)])
