"""The images of a recipe, split and batched.

U-KAN's released script validates on its test images and reports the best epoch it saw there. Here the best epoch is
chosen on validation images cut from the training side, and the test images are seen once, by
:func:`edgewise.vision.segmentation.evaluate`.
"""

import lightning.pytorch as pl
from torch.utils.data import DataLoader

from edgewise._errors import DataError
from edgewise.vision.data import EpochSampler, SegmentationDataset, Split, create_dataset
from edgewise.vision.training.recipe import Data, Recipe


def open_split(data: Data) -> Split:
    """The training, validation and test images of a recipe, no picture on two sides.

    Raises:
        DataError: The images are missing or unusable, or too few for three parts.
    """
    split = create_dataset(data.name, data.root, **data.options).split(data.split_seed).without_duplicates()
    for part in ("train", "validation", "test"):
        if not len(getattr(split, part)):
            raise DataError(f"the {part} part of {data.name!r} has no image: give a dataset with more images")
    return split


class Images(pl.LightningDataModule):
    """Batches of training and validation images; the order and the augmentation follow from seed and epoch alone."""

    classes = None
    """Masks name no classes."""

    def __init__(self, recipe: Recipe):
        super().__init__()
        self.recipe = recipe
        data, split = recipe.data, open_split(recipe.data)
        windows = {sample.window for sample in split.train}
        self.window = windows.pop() if len(windows) == 1 else None
        shape = {"size": data.size, "channels": data.channels}
        self.train = SegmentationDataset(split.train, augment=data.augment, seed=recipe.seed, **shape)
        self.validation = SegmentationDataset(split.validation, **shape)

    def train_dataloader(self) -> DataLoader:
        """This epoch's batches (Lightning asks again each epoch); the last, smaller one is dropped as U-KAN does."""
        epoch, size = self.trainer.current_epoch, self.recipe.batch_size
        self.train.set_epoch(epoch)
        sampler = EpochSampler(len(self.train), seed=self.recipe.seed)
        sampler.set_epoch(epoch)
        return self._loader(self.train, sampler=sampler, drop_last=len(self.train) > size)

    def val_dataloader(self) -> DataLoader:
        """The validation images in order."""
        return self._loader(self.validation)

    def _loader(self, images: SegmentationDataset, **options) -> DataLoader:
        machine = self.recipe.machine
        return DataLoader(images, batch_size=self.recipe.batch_size, num_workers=machine.workers, **options)
