"""Batches of the images of a task whose order follows from seed and epoch alone; several processes share each batch."""

from collections.abc import Sequence
from typing import Any

from torch.utils.data import DataLoader, Dataset

from edgewise._ground.errors import ConfigError
from edgewise.vision.data.loading import EpochSampler, Share
from edgewise.vision.training.recipe import Recipe


class EpochBatches:
    """Batches of training and validation images; what inherits sets these attributes.

    Attributes:
        recipe: Of the run.
        train: The training images.
        validation: The validation images.
        weights: How often each training image is seen in an epoch, on average; None: once.
    """

    recipe: Recipe
    train: Any
    validation: Any
    weights: Sequence[float] | None = None

    def train_batches(self, epoch: int, rank: int, replicas: int) -> DataLoader:
        """An epoch's batches; the last, smaller one is dropped, as U-KAN does.

        Raises:
            ConfigError: Processes cannot share a batch evenly.
        """
        self.train.set_epoch(epoch)
        sampler = EpochSampler(len(self.train), self.recipe.seed, self.weights)
        sampler.set_epoch(epoch)
        size = self.recipe.batch_size
        if size % replicas:
            raise ConfigError(f"batch_size is {size} and {replicas} devices share it: make it a multiple of {replicas}")
        shared = sampler if replicas == 1 else Share([*sampler], size, rank, replicas)
        return self._loader(self.train, size // replicas, sampler=shared, drop_last=len(self.train) > size)

    def validation_batches(self, rank: int, replicas: int) -> DataLoader:
        """The validation images in order."""
        return self._in_order(self.recipe.batch_size, replicas)

    def _in_order(self, size: int, replicas: int) -> DataLoader:
        """All validation images in each process: shares would be filled up with images that count twice then."""
        every = None if replicas == 1 else Share([*range(len(self.validation))], 1)
        return self._loader(self.validation, size, sampler=every)

    def names(self, batch: dict, training: bool) -> list[str]:
        """The ids of the images of a batch."""
        return batch["id"]

    def _loader(self, images: Dataset, size: int, **options) -> DataLoader:
        machine = self.recipe.machine
        return DataLoader(images, batch_size=size, num_workers=machine.workers, pin_memory=machine.pins, **options)
