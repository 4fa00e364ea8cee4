"""The images of a recipe, split and batched.

U-KAN's released script validates on its test images and reports the best epoch it saw there. Here the best epoch is
chosen on validation images cut from the training side, and the test images are seen once, by
:func:`edgewise.vision.evaluate`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from edgewise._ground.errors import ConfigError, DataError, warn
from edgewise.vision.data import SegmentationDataset, SegmentationSet, Split, dataset_of
from edgewise.vision.data.classes import check_classes, count_classes
from edgewise.vision.data.intensity import with_intensity
from edgewise.vision.data.inventory import Inventory, masked_sides, take_stock
from edgewise.vision.data.reading import facts_of, read_by
from edgewise.vision.data.windows import EachWindow, RandomWindows
from edgewise.vision.segmentation.augment import Augmentation
from edgewise.vision.segmentation.objective import balanced
from edgewise.vision.segmentation.recipe import MaskedData, SegmentationRecipe
from edgewise.vision.segmentation.sampling import classes_in, repeat_factors
from edgewise.vision.training.batches import EpochBatches
from edgewise.vision.training.files import RunFiles


def open_dataset(data: MaskedData, facts: Mapping[str, Any] | None = None) -> SegmentationSet:
    """All images of a recipe.

    Args:
        data: Which images.
        facts: What a run noted of how it reads them; None: as the recipe and the dataset say.

    Raises:
        ConfigError: The dataset has no masks.
        DataError: The images are missing or unusable.
    """
    dataset = dataset_of(data.name, data.root, data.options)
    if not isinstance(dataset, SegmentationSet):
        raise ConfigError(f"dataset {data.name!r} has classes and no masks: train a recipe of classification on it")
    if dataset.space != 2:
        raise ConfigError(f"dataset {data.name!r} has volumes and no pictures: train a recipe of volumes on it")
    if facts is not None:
        return read_by(dataset, facts)
    if data.intensity.scale != "range" and data.options.get("window") is not None:
        raise ConfigError(
            f"data.options gives window={data.options['window']} and data.intensity.scale is {data.intensity.scale!r}, "
            "which would take its place: leave one of them out"
        )
    samples = with_intensity(dataset.samples, data.intensity)
    return replace(dataset, samples=samples, legend=data.legend(dataset))


def open_split(data: MaskedData, facts: Mapping[str, Any] | None = None, inventory: Inventory | None = None) -> Split:
    """The training, validation and test images of a recipe, no picture on two sides.

    Args:
        data: Which images.
        facts: What a run noted of how it reads them; None: as the recipe and the dataset say.
        inventory: The sides that a run noted; None: drawn now.

    Raises:
        DataError: The images are missing or unusable, too few for three parts, or not those that the run noted.
        ConfigError: They have classes and no masks.
    """
    return split_of(open_dataset(data, facts), data, inventory)


def open_run(folder: RunFiles) -> Split:
    """The sides of a run, read as it reads them.

    Raises:
        CheckpointError: The folder holds no run of segmentation.
        DataError: The images are not those that it was started with.
    """
    return open_split(folder.read_recipe(SegmentationRecipe).data, folder.read_facts(), folder.read_inventory())


def split_of(dataset: SegmentationSet, data: MaskedData, inventory: Inventory | None = None) -> Split:
    """The three sides of the images of a recipe, no picture on two of them.

    Raises:
        DataError: There are too few images for three parts, or they are not those that a run noted.
    """
    if inventory is not None:
        return masked_sides(dataset, inventory)
    split = dataset.split(data.split_seed).without_duplicates()
    for part in ("train", "validation", "test"):
        if not len(getattr(split, part)):
            raise DataError(f"the {part} part of {data.name!r} has no image: give a dataset with more images")
    return split


def _say_range(dataset: SegmentationSet, data: MaskedData) -> None:
    """Say which intensities become 0 and 1 in pictures of more than 8 bits where nobody did."""
    found = next(((sample.image, sample.window) for sample in dataset if sample.window not in (None, (0, 1))), None)
    if data.intensity.scale == "range" and "window" not in dataset.stated and found is not None and found[1] is not None:
        (low, high), image = found[1], found[0]
        warn(
            f"{image} has more than 8 bits and no window, so the smallest and largest value of the set, {low:g} and "
            f"{high:g}, become 0 and 1: give data.intensity or window=[LOW, HIGH]"
        )


class MaskedImages(EpochBatches):
    """Batches of training and validation images; the order and the augmentation follow from seed and epoch alone.

    Raises:
        DataError: The images are unusable, a mask holds a class beyond those of the recipe, or no mask holds one of them.
    """

    def __init__(self, recipe: SegmentationRecipe, inventory: Inventory | None = None):
        self.recipe = recipe
        data, dataset = recipe.data, open_dataset(recipe.data)
        split = split_of(dataset, data, inventory)
        rule = dataset.coding.describe() if dataset.coding else "each says"
        check_classes(count_classes(dataset), data.classes, data.name, rule)
        self.inventory = take_stock(dataset, split) if inventory is None else inventory
        self.facts = facts_of(dataset)
        if inventory is None:
            _say_range(dataset, data)
        if recipe.loss.weights == "balanced":
            self.facts["class_weights"] = balanced(count_classes(split.train), data.classes)
        drawn, each = (RandomWindows(data.size), EachWindow(data.size)) if data.fit == "tiles" else (None, None)
        augment = Augmentation(recipe.augment, data.size) if recipe.augment else None
        self.train = SegmentationDataset(split.train, data.preprocess, augment, recipe.seed, drawn)
        self.validation = SegmentationDataset(split.validation, data.preprocess, windows=each)
        if recipe.oversample is not None:
            factors = repeat_factors(classes_in(split.train), recipe.oversample)
            self.weights = [factors[index] for index in self.train.samples]
