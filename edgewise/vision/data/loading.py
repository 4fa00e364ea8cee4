"""Feed a `SegmentationSet` to a model: cached, resized, normalised, and augmented by (seed, epoch, index) alone."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from edgewise._ground.optional import require
from edgewise.vision.data.dataset import SegmentationSet
from edgewise.vision.data.preprocess import Preprocess


class SegmentationDataset(Dataset):
    """The samples as ``dict(image, mask, id)``: float32 ``(channels, H, W)``, float32 ``(1, H, W)`` of classes, str.

    A class is 0 for the background, 1 and up for the others, and 255 for what is void.

    Every file is read, checked and resized once, here, and kept in memory, so a broken one is found before training
    starts. Augmentation is a random quarter turn and a random flip, drawn from (seed, epoch, index) alone: an epoch
    gives the same bits in any order, with any number of workers, and in a run that was resumed.

    Args:
        data: The samples.
        size: Height and width in pixels; pictures are resized bilinearly with antialiasing, masks to nearest pixels.
        channels: Channels of the image; None: those of the dataset.
        augment: Turn and flip at random. Where height and width differ, only flips, which keep the shape.
        seed: Seed of the augmentation.
        mean: Mean of each channel in place of the default of `Preprocess`.
        std: Deviation of each channel, likewise.

    Raises:
        DataError: A file is missing, broken, or of another size than its picture.
        MissingPackageError: Augmentation needs MONAI.
    """

    def __init__(
        self,
        data: SegmentationSet,
        size: tuple[int, int],
        channels: int | None = None,
        augment: bool = False,
        seed: int = 0,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ):
        self.data = data
        self.preprocess = Preprocess(size, channels or data.channels, mean, std)
        self.seed = seed
        self.augment = _turns_and_flips(square=len(set(self.preprocess.size)) == 1) if augment else None
        # In shared memory: workers that outlive an epoch see the next one too.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()
        self._pairs = [self._read(index) for index in range(len(data))]

    def set_epoch(self, epoch: int) -> None:
        """Choose the augmentations of this epoch; call it before the epoch's first batch is asked for."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> dict[str, Tensor | str]:
        image, mask = self._pairs[index]
        item = {"image": self.preprocess.normalise(image), "mask": mask.float()}
        if self.augment is not None:
            item = _augmented(self.augment, item, (self.seed, int(self._epoch), index))
        return item | {"id": self.data[index].id}

    def _read(self, index: int) -> tuple[Tensor, Tensor]:
        image, mask = self.data[index].read()
        return self.preprocess.resize_image(image), self.preprocess.mask(mask).to(torch.uint8)


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
