"""The pictures of a recipe, split, brought to one size, and batched."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data import Preprocess, SegmentationSet, Split, dataset_of
from edgewise.vision.data.classes import check_classes, count_classes
from edgewise.vision.data.inventory import Inventory, masked_sides, take_stock
from edgewise.vision.data.sample import Sample
from edgewise.vision.generation.condition import condition_of, cut
from edgewise.vision.generation.recipe import GenerationRecipe, PictureData
from edgewise.vision.training.batches import EpochBatches
from edgewise.vision.training.folder import RunFolder

FEWEST = {"train": 2, "validation": 1, "test": 2}


def open_dataset(data: PictureData) -> SegmentationSet:
    """All pictures of a recipe.

    Raises:
        ConfigError: The dataset has classes.
        DataError: The pictures are missing or unusable.
    """
    dataset = dataset_of(data.name, data.root, data.options)
    if not isinstance(dataset, SegmentationSet):
        raise ConfigError(
            f"dataset {data.name!r} has classes, and a generation learns from pictures alone: give a folder of them, "
            "data.name=pictures and data.root"
        )
    return dataset


def open_run(folder: RunFolder) -> Split:
    """The sides of a run.

    Raises:
        CheckpointError: The folder holds no run of generation.
        DataError: The pictures are not those that it was started with.
    """
    data = folder.read_recipe(GenerationRecipe).data
    return sides_of(open_dataset(data), data, folder.read_inventory())


def sides_of(dataset: SegmentationSet, data: PictureData, inventory: Inventory | None = None) -> Split:
    """The training, validation and test pictures, none of them on two sides.

    Args:
        dataset: All of them.
        data: How they are divided.
        inventory: The sides that a run noted; None: drawn now.

    Raises:
        DataError: There are too few, or they are not those that the run noted.
    """
    if inventory is not None:
        return masked_sides(dataset, inventory)
    if len(dataset) < 10:
        raise DataError(f"dataset {data.name!r} has {len(dataset)} pictures, and three sides need 10 at least: add some")
    split = dataset.split(data.split_seed).without_duplicates()
    for side, fewest in FEWEST.items():
        if (count := len(getattr(split, side))) < fewest:
            raise DataError(
                f"the {side} side of {data.name!r} has {count} pictures without copies of those of other sides, and needs "
                f"{fewest}: give more pictures"
            )
    return split


class PictureSamples(Dataset):
    """Pictures as ``dict(image, index)``: float32 ``(channels, *size)`` in [-1, 1], and the place in the data.

    Each is read once, cut to the aspect of the size around its centre, made smaller (bilinear with antialiasing) and kept.
    Where pictures are made for masks, ``condition`` holds the channels of the mask.

    Args:
        data: The pictures.
        seen: Their size, channels and classes.
        mirror: Mirror each with probability 1/2, drawn from (seed, epoch, index) alone.
        seed: Of these draws.

    Raises:
        DataError: A picture or its mask is unusable, or smaller than the size.
    """

    def __init__(self, data: SegmentationSet, seen: PictureData, mirror: bool = False, seed: int = 0):
        self.data, self.seen, self.mirror, self.seed = data, seen, mirror, seed
        half = (0.5,) * seen.channels
        self._preprocess = Preprocess(seen.size, seen.channels, half, half)
        self.pictures = torch.stack([self._read(sample) for sample in data])
        masked = seen.classes is not None
        self.conditions = torch.stack([condition_of(sample.read_mask(), seen) for sample in data]) if masked else None
        # In shared memory: workers that outlive an epoch see the next one too.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Choose the draws of this epoch; call it before the epoch's first batch is asked for."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> dict[str, Any]:
        item = {"image": self.pictures[index]}
        if self.conditions is not None:
            item["condition"] = self.conditions[index]
        if self.mirror and np.random.default_rng((self.seed, int(self._epoch), index)).random() < 0.5:
            item = {name: part.flip(-1) for name, part in item.items()}
        return {**item, "index": index}

    def _read(self, sample: Sample) -> Tensor:
        image = sample.read_image()
        (height, width), (rows, columns) = self.seen.size, image.shape[1:]
        if rows < height or columns < width:
            raise DataError(
                f"{sample.image} is {rows} x {columns} and data.size is {height} x {width} (height x width), and pictures "
                "are not made larger: lower data.size, or take the picture out"
            )
        return self._preprocess.image(cut(image, self.seen.size))


class PictureImages(EpochBatches):
    """Batches of training and validation pictures; order and mirroring follow from seed and epoch alone."""

    def __init__(self, recipe: GenerationRecipe, inventory: Inventory | None = None):
        self.recipe = recipe
        data, dataset = recipe.data, open_dataset(recipe.data)
        split = sides_of(dataset, data, inventory)
        self.inventory = take_stock(dataset, split) if inventory is None else inventory
        self.facts: dict[str, Any] = {}
        if data.classes is not None:
            rule = dataset.coding
            check_classes(count_classes(dataset), data.classes, data.name, rule.describe() if rule else "each says")
            self.facts["masks"] = rule.to_dict() if rule else None
        self.train = PictureSamples(split.train, data, data.mirror, recipe.seed)
        self.validation = PictureSamples(split.validation, data)

    def names(self, batch: dict, training: bool) -> list[str]:
        """The ids of the pictures of a batch."""
        data = (self.train if training else self.validation).data
        return [data.ids[index] for index in batch["index"].tolist()]
