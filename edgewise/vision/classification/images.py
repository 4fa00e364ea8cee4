"""The pictures of a recipe, split, varied and batched."""

from typing import Any

from torch.utils.data import DataLoader

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.classification.objective import balanced
from edgewise.vision.classification.recipe import Augment, ClassificationRecipe, LabelledData
from edgewise.vision.data import (
    ClassificationDataset,
    ClassificationSet,
    ClassificationSplit,
    MovedView,
    SharedSampler,
    StrongView,
    View,
    dataset_of,
)
from edgewise.vision.data.batches import collate
from edgewise.vision.data.classification import VALIDATION
from edgewise.vision.data.inventory import Inventory, labelled_sides, take_stock
from edgewise.vision.training.files import RunFiles
from edgewise.vision.training.strict import require_used


def open_classes(data: LabelledData) -> ClassificationSet:
    """The dataset of a recipe, whole.

    Raises:
        DataError: It is missing or unusable.
        ConfigError: It is of another kind, or of another number of classes than the recipe says.
    """
    dataset = dataset_of(data.name, data.root, data.options)
    if not isinstance(dataset, ClassificationSet):
        raise ConfigError(f"dataset {data.name!r} has masks and no classes: train a recipe of segmentation on it")
    if len(dataset.classes) != data.classes:
        raise ConfigError(f"dataset {data.name!r} has {len(dataset.classes)} classes and data.classes is {data.classes}")
    return dataset


def open_sides(data: LabelledData, inventory: Inventory | None = None) -> ClassificationSplit:
    """The training, validation and test pictures of a recipe.

    Args:
        data: Which pictures.
        inventory: The sides that a run noted; None: drawn now.

    Raises:
        DataError: The pictures are missing or unusable, or not those that the run noted.
        ConfigError: They are of another kind, or of another number of classes.
    """
    return split_of(open_classes(data), data, inventory)


def open_run(folder: RunFiles) -> ClassificationSplit:
    """The sides of a run.

    Raises:
        CheckpointError: The folder holds no run of classification.
        DataError: The pictures are not those that it was started with.
    """
    return open_sides(folder.read_recipe(ClassificationRecipe).data, folder.read_inventory())


def split_of(dataset: ClassificationSet, data: LabelledData, inventory: Inventory | None = None) -> ClassificationSplit:
    """The three sides of the pictures of a recipe.

    Raises:
        DataError: A class has too few pictures or groups for three sides, or they are not those that a run noted.
    """
    if inventory is not None:
        return labelled_sides(dataset, inventory)
    given = dataset.sides is not None and bool((dataset.sides == VALIDATION).any())
    without, fix = f"with {data.name!r}, which comes with a validation side", "divide that otherwise"
    require_used(not given, data, "data.validation", without, fix)
    return dataset.split(data.split_seed, data.validation)


def view_of(data: LabelledData) -> View:
    """What a network trained on these data sees of a picture."""
    return View(data.size, data.channels, data.crop, data.normalise)


def training_view(data: LabelledData, augment: Augment) -> View | MovedView | StrongView:
    """The same, varied: simple moves on whole batches, anything more with timm."""
    view = View(data.size, data.channels, 1.0, data.normalise)
    if augment.crop == "resized" or augment.rand_augment or augment.jitter or augment.erase:
        scale = augment.scale if augment.crop == "resized" else None
        pad = augment.pad if augment.crop == "pad" else 0.0
        rest = (augment.ratio, augment.flip, augment.jitter, augment.rand_augment, augment.erase)
        return StrongView(view, scale, *rest, pad=pad)
    if augment.crop == "pad" or augment.flip:
        padding = round(augment.pad * min(data.size)) if augment.crop == "pad" else 0
        return MovedView(view, padding, flip=augment.flip)
    return view


class LabelledImages:
    """Batches of training and validation pictures; order and augmentation follow from seed and epoch alone.

    Warns:
        EdgewiseWarning: A picture of a new run is on two sides.
    """

    def __init__(self, recipe: ClassificationRecipe, inventory: Inventory | None = None):
        self.recipe = recipe
        data, dataset = recipe.data, open_classes(recipe.data)
        split = split_of(dataset, data, inventory)
        self.inventory = take_stock(dataset, split) if inventory is None else inventory
        if inventory is None:
            self.inventory.warn_of_copies(dataset.name)
        self.facts: dict[str, Any] = {"classes": list(split.train.classes)}
        if recipe.class_weights == "balanced":
            self.facts["class_weights"] = balanced(split.train.labels, split.train.classes)
        if recipe.mix and len(split.train) < recipe.batch_size:
            raise DataError(
                f"the training part has {len(split.train)} pictures and batches of {recipe.batch_size} are mixed: "
                "lower batch_size"
            )
        self.train = ClassificationDataset(split.train, training_view(data, recipe.augment), seed=recipe.seed)
        self.validation = ClassificationDataset(split.validation, view_of(data))

    def train_batches(self, epoch: int, rank: int, replicas: int) -> DataLoader:
        """An epoch's batches; the last, smaller one is dropped."""
        self.train.set_epoch(epoch)
        return self._loader(self.train, rank, replicas, seed=self.recipe.seed, epoch=epoch)

    def validation_batches(self, rank: int, replicas: int) -> DataLoader:
        """The validation pictures in order."""
        return self._loader(self.validation, rank, replicas, seed=None, epoch=0)

    def names(self, batch: dict, training: bool) -> list[str]:
        """What to call the pictures of a batch."""
        data = self.train.data if training else self.validation.data
        return [data.id(index) if index >= 0 else "filling" for index in batch["index"].tolist()]

    def _loader(
        self, pictures: ClassificationDataset, rank: int, replicas: int, *, seed: int | None, epoch: int
    ) -> DataLoader:
        size = self.recipe.batch_size
        if size % replicas:
            raise ConfigError(f"batch_size is {size} and {replicas} devices share it: make it a multiple of {replicas}")
        sampler = SharedSampler(len(pictures), size, rank, replicas, seed)
        sampler.set_epoch(epoch)
        return DataLoader(
            pictures,
            batch_size=size // replicas,
            sampler=sampler,
            num_workers=self.recipe.machine.workers,
            pin_memory=self.recipe.machine.pins,
            collate_fn=collate,
        )
