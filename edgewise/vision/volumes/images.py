"""The scans of a recipe, split, made ready and batched."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch.utils.data import DataLoader

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data.classes import check_classes, count_classes
from edgewise.vision.data.dataset import SegmentationSet, Split, dataset_of
from edgewise.vision.data.intensity import scale_from
from edgewise.vision.data.inventory import Inventory, masked_sides, take_stock
from edgewise.vision.data.legend import Legend
from edgewise.vision.data.stating import coding_from
from edgewise.vision.segmentation.augment import Augmentation
from edgewise.vision.segmentation.objective import balanced
from edgewise.vision.training.batches import EpochBatches
from edgewise.vision.training.files import RunFiles
from edgewise.vision.volumes.levels import find_levels
from edgewise.vision.volumes.patches import PreparedScans, RandomPatches, WholeScans
from edgewise.vision.volumes.preprocess import VolumePreprocess, median_spacing
from edgewise.vision.volumes.recipe import ScanData, ScanRecipe, VolumeRecipe
from edgewise.vision.volumes.sample import VolumeSet, scans_of


def open_volumes(data: ScanData) -> VolumeSet:
    """All scans of a recipe.

    Raises:
        ConfigError: The dataset has no volumes.
        DataError: The scans are missing or unusable.
    """
    dataset = dataset_of(data.name, data.root, data.options)
    if not isinstance(dataset, VolumeSet):
        raise ConfigError(f"dataset {data.name!r} has pictures and no volumes: train a recipe of pictures on it")
    return replace(dataset, legend=data.legend(dataset))


def sides_of(dataset: SegmentationSet, data: ScanData, inventory: Inventory | None) -> Split:
    """The three sides, no scan on two of them.

    Raises:
        DataError: A side is empty, or the scans are not those that a run noted.
    """
    if inventory is not None:
        return masked_sides(dataset, inventory)
    split = dataset.split(data.split_seed)
    for part in ("train", "validation", "test"):
        if not len(getattr(split, part)):
            raise DataError(f"the {part} part of {data.name!r} has no scan: give a dataset with more scans")
    return split


def _noted(dataset: SegmentationSet, split: Split) -> Inventory:
    """The scans of each side, none of which is on two."""
    inventory = take_stock(dataset, split)
    if copies := inventory.copies():
        (one, first), (other, second) = copies[0]
        raise DataError(f"{first!r} ({one}) and {second!r} ({other}) of {dataset.name!r} are the same scan: leave one out")
    return inventory


def read_as_noted(dataset: SegmentationSet, facts: Mapping[str, Any], coding: bool = True) -> SegmentationSet:
    """The scans, read as a run noted it.

    Args:
        dataset: The scans.
        facts: What :class:`ScanImages` noted.
        coding: By its rule for masks too.
    """
    window = tuple(facts["window"]) if facts["window"] else None
    read: dict[str, Any] = {"window": window, "scale": scale_from(facts["scale"])}
    if coding and facts["masks"]:
        read["coding"] = coding_from(facts["masks"])
    samples = tuple(replace(sample, **read) for sample in scans_of(dataset))
    return replace(dataset, samples=samples, legend=Legend.from_dict(facts["legend"]))


def open_run(folder: RunFiles) -> Split:
    """The sides of a run, read as it reads them.

    Raises:
        CheckpointError: The folder holds no run of volumes.
        DataError: The scans are not those that it was started with.
    """
    data = folder.read_recipe(ScanRecipe).data
    dataset = read_as_noted(open_volumes(data), folder.read_facts())
    return sides_of(dataset, data, folder.read_inventory())


def facts_of(dataset: SegmentationSet, learned: SegmentationSet, data: ScanData) -> dict[str, Any]:
    """How scans are read, in plain JSON values.

    Args:
        dataset: All of them.
        learned: Those that intensities follow from, where the recipe leaves them to the data.
        data: What the recipe says.

    Returns:
        ``masks``, the rule by which masks are read; ``window`` or ``scale``, which intensities become 0 and 1; ``legend``,
        the classes.

    Raises:
        DataError: A scan cannot be read.
    """
    window, scale = find_levels(scans_of(learned), data.intensity)
    return {
        "masks": dataset.coding.to_dict() if dataset.coding else None,
        "window": window,
        "scale": scale.to_dict() if scale else None,
        "legend": dataset.legend.to_dict() if dataset.legend else None,
    }


class ScanImages(EpochBatches):
    """Scans divided and looked through; what inherits makes batches of them.

    Attributes:
        split: The three sides.
        inventory: The same as a run notes it.
        facts: How scans are read.

    Raises:
        DataError: The scans are unusable, one is on two sides, a mask holds a class beyond those of the recipe, or no mask
            holds one of them.
    """

    def __init__(self, recipe: ScanRecipe, inventory: Inventory | None = None):
        self.recipe = recipe
        data, dataset = recipe.data, open_volumes(recipe.data)
        self.split = split = sides_of(dataset, data, inventory)
        rule = dataset.coding.describe() if dataset.coding else "each says"
        check_classes(count_classes(dataset), data.classes, data.name, rule)
        self.inventory = _noted(dataset, split) if inventory is None else inventory
        self.facts = facts_of(dataset, split.train, data)
        if recipe.loss.weights == "balanced":
            self.facts["class_weights"] = balanced(count_classes(split.train), data.classes)


class VolumeImages(ScanImages):
    """Batches of patches of the training scans, and whole validation scans."""

    def __init__(self, recipe: VolumeRecipe, inventory: Inventory | None = None):
        super().__init__(recipe, inventory)
        data = recipe.data
        spacing = data.spacing or median_spacing([scan.spacing_in_body for scan in scans_of(self.split.train)])
        self.facts["spacing"] = list(spacing)
        train, validation = (
            PreparedScans(scans_of(read_as_noted(side, self.facts)), VolumePreprocess(spacing), data.channels)
            for side in (self.split.train, self.split.validation)
        )
        augment = Augmentation(recipe.augment, data.size[1:]) if recipe.augment else None
        self.train = RandomPatches(train, data.size, data.patches, data.foreground, augment, recipe.seed)
        self.validation = WholeScans(validation)

    def validation_batches(self, rank: int, replicas: int) -> DataLoader:
        """The validation scans one by one, for their sizes differ."""
        return self._in_order(1, replicas)
