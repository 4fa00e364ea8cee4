"""Batches of the images of a task whose order follows from seed and epoch alone; Lightning shares them among processes."""

from collections.abc import Sequence
from typing import Any

from torch.utils.data import DataLoader, Dataset

from edgewise.vision.data.loading import EpochSampler
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
        """An epoch's batches; the last, smaller one is dropped, as U-KAN does."""
        self.train.set_epoch(epoch)
        sampler = EpochSampler(len(self.train), self.recipe.seed, self.weights)
        sampler.set_epoch(epoch)
        size = self.recipe.batch_size
        return self._loader(self.train, size, sampler=sampler, drop_last=len(self.train) > size)

    def validation_batches(self, rank: int, replicas: int) -> DataLoader:
        """The validation images in order."""
        return self._loader(self.validation, self.recipe.batch_size)

    def names(self, batch: dict, training: bool) -> list[str]:
        """The ids of the images of a batch."""
        return batch["id"]

    def _loader(self, images: Dataset, size: int, **options) -> DataLoader:
        return DataLoader(images, batch_size=size, num_workers=self.recipe.machine.workers, **options)
