"""A dataset and a task of one's own: one file each, and one line that imports it."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, default_collate

from edgewise._ground.errors import ConfigError
from edgewise.io import load_model
from edgewise.models.registry import create_model
from edgewise.vision import (
    TASKS,
    Adam,
    Data,
    LabelledData,
    Learner,
    Machine,
    Model,
    Recipe,
    RunFolder,
    create_recipe,
    evaluate,
    train,
)
from edgewise.vision.data import DATASETS, ArrayPictures, ClassificationSet, create_dataset, list_datasets
from edgewise.vision.data.inventory import Inventory
from edgewise.vision.training.reopen import reopen
from edgewise.vision.training.tasks import Score

SIDE, PICTURES = 6, 24


def bars(count: int = PICTURES) -> ClassificationSet:
    """Noisy pictures, 6 x 6, in the one half dark and in the other bright."""
    draw = np.random.default_rng(0)
    labels = np.arange(count) % 2
    pictures = (draw.normal(0, 20, (count, SIDE, SIDE)) + 60 + 120 * labels[:, None, None]).clip(0, 255)
    return ClassificationSet("bars", ArrayPictures(pictures.astype(np.uint8)), labels, ("dark", "bright"), channels=1)


@pytest.fixture
def dataset():
    DATASETS.register("bars")(bars)
    yield
    DATASETS.unregister("bars")


@dataclass(frozen=True, kw_only=True)
class BrightnessRecipe(Recipe):
    """A number from a picture."""

    task: ClassVar[str] = "brightness"
    data: Data = field(default_factory=lambda: Data(name="bars", size=(SIDE, SIDE), channels=1))
    optimiser: Adam = field(default_factory=Adam)


class BrightnessImages:
    """Pictures with their mean."""

    facts: ClassVar = {"unit": "grey"}

    def __init__(self, recipe):
        self.recipe = recipe
        pictures = create_dataset(recipe.data.name).pictures
        self.inventory = Inventory({"train": {}, "validation": {}, "test": {}, "unused": {}})  # drawn here, from nothing
        images = [torch.from_numpy(pictures[number].transpose(2, 0, 1) / 255).float() for number in range(PICTURES)]
        items = [{"image": image, "mean": image.mean()} for image in images]
        self.train, self.validation, self.test = items[:12], items[12:18], items[18:]

    def train_batches(self, epoch, rank, replicas):
        return DataLoader(self.train, batch_size=self.recipe.batch_size)

    def validation_batches(self, rank, replicas):
        return DataLoader(self.validation, batch_size=self.recipe.batch_size)

    def names(self, batch, training):
        return [f"picture {number}" for number in range(len(batch["image"]))]


class BrightnessLearner(Learner):
    def optimiser(self):
        adam = torch.optim.Adam(self.network.parameters(), self.recipe.optimiser.learning_rate)
        return adam, torch.optim.lr_scheduler.ConstantLR(adam, 1.0)

    def loss(self, batch, seed):
        return F.mse_loss(self.network(batch["image"].flatten(1))[:, 0], batch["mean"])

    def tally(self, batch):
        loss = self.loss(batch, 0)
        return loss, {"squares": loss * len(batch["mean"]), "pictures": torch.tensor(len(batch["mean"]))}

    def scores(self, sums):
        loss = (sums["squares"] / sums["pictures"]).item()
        return {"loss": loss, "fit": -loss}


class Brightness:
    """The task, without what nobody asks of it here."""

    truth = "mean"
    any_size = False
    packages = ()

    def score(self, recipe):
        return Score("val_fit", "validation fit")

    def images(self, recipe, inventory=None):
        return BrightnessImages(recipe)

    def network(self, recipe):
        return create_model(recipe.model.name, **recipe.model.options)

    def load(self, path):
        return load_model(path)

    def learner(self, network, recipe, facts):
        return BrightnessLearner(network, recipe)

    def criterion(self, recipe, facts):
        return lambda outputs, means: F.mse_loss(outputs[:, 0], means)

    def evaluate(self, runs, members, dataset, device, inference=None):
        (run,) = runs
        batch = default_collate(BrightnessImages(run.read_recipe()).test)
        with torch.no_grad():
            found = load_model(run.model)(batch["image"].flatten(1))[:, 0]
        return SimpleNamespace(scores={"error": (found - batch["mean"]).abs().max().item()})


@pytest.fixture
def task(dataset):
    TASKS.register(BrightnessRecipe.task)(Brightness)
    yield
    TASKS.unregister(BrightnessRecipe.task)


@pytest.fixture
def recipe():
    return BrightnessRecipe(
        model=Model(name="mlp", options={"width": [SIDE * SIDE, 1]}),
        machine=Machine(accelerator="cpu"),
        optimiser=Adam(learning_rate=0.05),
        epochs=1,
        batch_size=4,
    )


def test_a_dataset_is_one_function_with_a_name(dataset, tmp_path):
    assert "bars" in list_datasets()
    recipe = replace(
        create_recipe("mnist"),
        data=LabelledData(name="bars", size=(SIDE, SIDE), classes=2, validation=0.2),
        model=Model(name="kan", options={"width": [SIDE * SIDE, 2]}),
        machine=Machine(accelerator="cpu"),
        epochs=1,
        batch_size=4,
    )
    train(recipe, tmp_path / "run", progress=False)
    assert evaluate(tmp_path / "run").count == 4  # a fifth of each class, rounded


def test_a_task_is_one_class_with_a_name(task, recipe, tmp_path):
    result = train(recipe, tmp_path / "run", progress=False)
    folder = RunFolder(tmp_path / "run")
    assert folder.read_recipe() == recipe
    assert folder.read_facts() == {"unit": "grey"}
    opened, (line,) = reopen(tmp_path / "run"), folder.read_metrics()
    ((images, means),) = opened.batches(count=6, size=6)
    with torch.no_grad():
        loss = opened.criterion()(opened.network()(images.flatten(1)), means).item()
    assert line["val_loss"] == -line["val_fit"] == pytest.approx(loss, rel=1e-5)
    assert (result.score, result.best, result.best_epoch) == ("val_fit", line["val_fit"], 0)
    network, test = load_model(folder.model), BrightnessImages(recipe).test
    errors = [abs(network(item["image"].reshape(1, -1)).item() - item["mean"].item()) for item in test]
    assert evaluate(tmp_path / "run").scores["error"] == pytest.approx(max(errors), rel=1e-5)


def test_what_is_not_registered_is_named(dataset, recipe, tmp_path):
    with pytest.raises(ConfigError, match="unknown task 'brightness'; known: classification, generation, segmentation, "):
        train(recipe, tmp_path / "run", progress=False)
    with pytest.raises(ConfigError, match="the recipe names no task: give it one of brightness, classification, gen"):
        Recipe.from_dict({"epochs": 3})
    with pytest.raises(ConfigError, match="unknown task 'brigtness'; did you mean 'brightness'"):
        Recipe.from_dict({"task": "brigtness"})
    with pytest.raises(ConfigError, match=r"setting 'data\.name' is missing and has no default: give it"):
        Recipe.from_dict({"task": "brightness", "data": {"size": [6, 6]}})
