"""Feed a `SegmentationSet` to a model: cached, resized, normalised, and augmented by (seed, epoch, index) alone."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler
from torch.utils.data.distributed import DistributedSampler

from edgewise.vision.data.coding import VOID
from edgewise.vision.data.dataset import SegmentationSet
from edgewise.vision.data.preprocess import Preprocess
from edgewise.vision.data.windows import Windows

KEPT = 4 * 2**30
"""Bytes of pictures that are kept in memory."""
Augment = Callable[[dict[str, Tensor], Sequence[int]], dict[str, Tensor]]


class SegmentationDataset(Dataset):
    """The samples as ``dict(image, mask, id, picture, of)``.

    That is float32 ``(channels, H, W)``, float32 ``(1, H, W)`` of classes, the sample's id, its number, and how many there
    are. A class is 0 for the background, 1 and up for the others, and 255 for what is void.

    Every file is read, checked and resized here, so a broken one is found before training starts. What fits into 4 GiB is
    kept in memory, and the rest is read again each time. Augmentation and the places of windows are drawn from (seed,
    epoch, index) alone: an epoch gives the same bits in any order, with any number of workers, and in a run that was
    resumed. ``dataset[index, n]`` is an item once more, drawn anew.

    Args:
        data: The samples.
        preprocess: What they go through.
        augment: Varies an item by numbers that its draws follow from; beside ``image`` and ``mask`` there is ``inside``, 0
            in borders.
        seed: Seed of the augmentation.
        windows: Which windows of a sample are items, each by itself; None: a sample is an item.

    Raises:
        DataError: A file is missing, broken, or of another size than its picture.
    """

    def __init__(
        self,
        data: SegmentationSet,
        preprocess: Preprocess,
        augment: Augment | None = None,
        seed: int = 0,
        windows: Windows | None = None,
    ):
        self.data, self.preprocess, self.seed, self.windows = data, preprocess, seed, windows
        self.augment = augment
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

    @property
    def samples(self) -> list[int]:
        """The number of the sample of each item."""
        return [index for index, _ in self._items]

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int | tuple[int, int]) -> dict[str, Tensor | str | int]:
        once_more = index if isinstance(index, tuple) else (index,)
        which, number = self._items[once_more[0]]
        image, mask = self._kept.get(which) or self._read(which)
        drawn = (self.seed, int(self._epoch), *once_more)
        if self.windows is not None:
            rng = np.random.default_rng(np.random.SeedSequence(drawn, spawn_key=(1,)))
            image, mask = self.windows.cut(image, mask, number, rng)
        item = {
            "image": self.preprocess.pad(self.preprocess.normalise(image)),
            "mask": self.preprocess.pad(mask.float(), VOID),
        }
        if self.augment is not None:
            item = self.augment(item | {"inside": self.preprocess.pad(torch.ones_like(mask, dtype=torch.float32))}, drawn)
            del item["inside"]
        return item | {"id": self.data[which].id, "picture": which, "of": len(self.data)}

    def _read(self, index: int) -> tuple[Tensor, Tensor]:
        """A picture and its mask resized, without borders."""
        image, mask = self.data[index].read()
        return self.preprocess.resize_image(image), self.preprocess.resize_mask(mask).to(torch.uint8)


class EpochSampler(Sampler):
    """All indices in an order drawn from (seed, epoch) alone, so that a resumed epoch sees what it would have seen.

    Args:
        length: Number of samples.
        seed: Seed of the orders.
        weights: How often each is seen, relative to the others; None: once. An epoch has as many as there are samples, and
            of each the nearest whole number of times below or above its share; one more is given as ``(index, n)``.

    Example:
        >>> sampler = EpochSampler(4, seed=0)
        >>> first = list(sampler); sampler.set_epoch(1); second = list(sampler); sampler.set_epoch(0)
        >>> first == list(sampler), first == second, sorted(second)
        (True, False, [0, 1, 2, 3])
    """

    def __init__(self, length: int, seed: int = 0, weights: Sequence[float] | None = None):
        self.length, self.seed, self.epoch, self.weights = length, seed, 0, weights

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Any]:
        rng = np.random.default_rng((self.seed, self.epoch))
        order = rng.permutation(self.length)
        return iter(order.tolist() if self.weights is None else self._weighed(order, rng))

    def _weighed(self, order: np.ndarray, rng: np.random.Generator) -> list[int | tuple[int, int]]:
        """Systematic sampling: places at equal distances on the weights laid end to end, in a random order."""
        ends = np.cumsum(np.asarray(self.weights, float)[order])
        places = (rng.uniform() + np.arange(self.length)) / self.length * ends[-1]
        found = order[np.searchsorted(ends, places, side="right").clip(max=self.length - 1)]
        drawn, often = [], Counter[int]()
        for index in found.tolist():
            drawn.append((index, often[index]) if often[index] else index)
            often[index] += 1
        return [drawn[place] for place in rng.permutation(self.length)]


class Share(DistributedSampler):
    """The share of one process in an order: step by step, processes together see what one alone would see.

    Args:
        order: The items.
        batch: Items of a step of all processes together; what fills no whole step is left out, never all of it.
        rank: Number of this process, from 0.
        replicas: Number of processes, of which ``batch`` is a multiple; 1: all of the order.

    Example:
        >>> [[*Share([7, 5, 3, 1, 0], 2, rank, replicas=2)] for rank in (0, 1)]
        [[7, 3], [5, 1]]
    """

    def __init__(self, order: Sequence[Any], batch: int, rank: int = 0, replicas: int = 1):
        # Not the parent's constructor, which draws an order; the parent is what tells Lightning to leave this alone.
        whole = len(order) // batch * batch or len(order) // replicas * replicas
        self.items = order[:whole][rank::replicas]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def set_epoch(self, epoch: int) -> None:
        """The order is that of an epoch already."""
