"""Feed a `ClassificationSet` to a model, batch by batch, the same bits whatever the workers, the processes or resuming."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from torch.utils.data.distributed import DistributedSampler

from edgewise.vision.data.classification import ClassificationSet
from edgewise.vision.data.loading import EpochSampler

NOTHING = -1
"""Index and label of what fills a batch up; scores and losses leave it out."""


class ClassificationDataset(Dataset):
    """Whole batches as ``dict(image, label, index)``: float32 ``(B, C, H, W)``, int64 ``(B,)`` each.

    What is random in a view is drawn from (seed, epoch, index) alone.

    Args:
        data: The pictures.
        view: From pictures and a seed for each to the batch, such as :class:`edgewise.vision.data.View`.
        seed: Seed of the augmentation.
    """

    def __init__(self, data: ClassificationSet, view: Callable[[Sequence[np.ndarray], np.ndarray], Tensor], seed: int = 0):
        self.data, self.view, self.seed = data, view, seed
        # In shared memory: workers that outlive an epoch see the next one too.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()
        self._drawn = (-1, np.zeros(0, np.uint64))

    def set_epoch(self, epoch: int) -> None:
        """Choose the augmentations of this epoch; call it before the epoch's first batch is asked for."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {name: tensor[0] for name, tensor in self.__getitems__([index]).items()}

    def __getitems__(self, indices: Sequence[int]) -> dict[str, Tensor]:
        places = np.asarray(indices)
        there = np.where(places == NOTHING, 0, places)
        image = self.view([self.data.pictures[index] for index in there], self._seeds()[there])
        labels = np.where(places == NOTHING, NOTHING, self.data.labels[there])
        return {"image": image, "label": torch.from_numpy(labels), "index": torch.from_numpy(places)}

    def _seeds(self) -> np.ndarray:
        """A seed for each picture in this epoch."""
        epoch = int(self._epoch)
        if self._drawn[0] != epoch:
            rng = np.random.default_rng((self.seed, epoch))
            self._drawn = (epoch, rng.integers(2**63, size=len(self.data), dtype=np.uint64))
        return self._drawn[1]


def collate(batch: Any) -> dict[str, Tensor]:
    """For a `DataLoader`, which knows of lists of samples only: the dataset makes whole batches itself."""
    return batch


class SharedSampler(DistributedSampler):
    """Indices such that step by step, the processes together see what one process alone would see.

    In training, order is drawn from (seed, epoch), and what does not fill a whole step is left out (never all of it); in
    validation, the order is that of the data, filled up with `NOTHING` so that all processes make as many steps.

    Args:
        length: Number of samples.
        batch: Samples of a step of all processes together; a multiple of ``replicas``.
        rank: Number of this process, from 0.
        replicas: Number of processes.
        seed: Seed of the orders; None: validation.

    Example:
        >>> [list(SharedSampler(5, 2, rank, replicas=2)) for rank in (0, 1)]
        [[0, 2, 4], [1, 3, -1]]
    """

    def __init__(self, length: int, batch: int, rank: int = 0, replicas: int = 1, seed: int | None = None):
        # Not the parent's constructor, which draws otherwise; the parent is what tells Lightning to leave this alone.
        self.length, self.batch, self.rank, self.replicas, self.seed, self.epoch = length, batch, rank, replicas, seed, 0

    def _all(self) -> list[int]:
        if self.seed is None:
            return [*range(self.length), *[NOTHING] * (-self.length % self.replicas)]
        sampler = EpochSampler(self.length, seed=self.seed)
        sampler.set_epoch(self.epoch)
        order = list(sampler)
        whole = len(order) // self.batch * self.batch
        return order[: whole or len(order) // self.replicas * self.replicas]

    def __iter__(self) -> Iterator[int]:
        return iter(self._all()[self.rank :: self.replicas])

    def __len__(self) -> int:
        return len(range(self.rank, len(self._all()), self.replicas))
