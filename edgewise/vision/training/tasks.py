"""What can be trained: segmentation and classification, each an object that makes all that differs between them."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from edgewise._errors import ConfigError
from edgewise._optional import require
from edgewise.vision.classification.recipe import ClassificationRecipe
from edgewise.vision.training.recipe import Recipe

if TYPE_CHECKING:
    import lightning.pytorch as pl
    from torch import nn

    from edgewise.vision.segmentation.report import Report


class Task(Protocol):
    """What a training needs that depends on what is learnt.

    Attributes:
        recipe: Class of its recipes.
        score: The logged score that chooses the best epoch, higher being better.
        score_title: What a reader calls it.
        best: The field of :class:`edgewise.vision.Result` that holds its best value.
        any_size: Whether its networks take images of other sizes than the recipe's.
    """

    recipe: type[Recipe]
    score: str
    score_title: str
    best: str
    any_size: bool

    def require(self) -> None:
        """Import the packages that training needs, or say which extra brings them."""

    def images(self, recipe: Recipe) -> "pl.LightningDataModule":
        """Batches of training and validation images."""

    def network(self, recipe: Recipe) -> "nn.Module":
        """The network, with fresh parameters."""

    def module(self, network: "nn.Module", recipe: Recipe) -> "pl.LightningModule":
        """The network with its loss and optimiser."""

    def baseline(self, recipe: Recipe, match: str) -> Recipe:
        """The recipe of a plain network that costs as much."""

    def evaluate(self, run_dir: Path, dataset, device: str):
        """Scores of the best epoch of a run."""

    def predict(self, run_dir: Path, images, out_dir: Path, device: str):
        """What the best epoch of a run makes of picture files."""

    def report(self, run_dirs: list[Path], path: Path, titles: list[str] | None, device: str) -> "Report":
        """Score runs and write about them."""


class Segmentation:
    """A class for each pixel."""

    recipe: ClassVar = Recipe
    score: ClassVar = "val_iou"
    score_title: ClassVar = "validation IoU"
    best: ClassVar = "best_iou"
    any_size: ClassVar = True

    def require(self) -> None:
        for module in ("lightning.pytorch", "monai.losses"):
            require(module, extra="training")

    def images(self, recipe: Recipe) -> "pl.LightningDataModule":
        from edgewise.vision.segmentation.images import Images

        return Images(recipe)

    def network(self, recipe: Recipe) -> "nn.Module":
        from edgewise.vision.segmentation.network import create_segmenter

        return create_segmenter(recipe.model, recipe.data.channels, recipe.data.classes, recipe.data.size)

    def module(self, network: "nn.Module", recipe: Recipe) -> "pl.LightningModule":
        from edgewise.vision.segmentation.module import Segmenter

        return Segmenter(network, recipe)

    def baseline(self, recipe: Recipe, match: str) -> Recipe:
        raise ConfigError("a plain baseline is made for classification; of a segmentation, the report has a grey threshold")

    def evaluate(self, run_dir: Path, dataset, device: str):
        from edgewise.vision.segmentation.evaluate import evaluate_run

        return evaluate_run(run_dir, dataset, device)

    def predict(self, run_dir: Path, images, out_dir: Path, device: str):
        from edgewise.vision.segmentation.predict import predict_masks

        return predict_masks(run_dir, images, out_dir, device)

    def report(self, run_dirs: list[Path], path: Path, titles: list[str] | None, device: str) -> "Report":
        from edgewise.vision.segmentation.report import report_segmentation

        return report_segmentation(run_dirs, path, titles, device)


class Classification:
    """A class for each picture."""

    recipe: ClassVar = ClassificationRecipe
    score: ClassVar = "val_accuracy"
    score_title: ClassVar = "validation accuracy"
    best: ClassVar = "best_accuracy"
    any_size: ClassVar = False

    def require(self) -> None:
        require("lightning.pytorch", extra="training")

    def images(self, recipe: ClassificationRecipe) -> "pl.LightningDataModule":
        from edgewise.vision.classification.images import LabelledImages

        return LabelledImages(recipe)

    def network(self, recipe: ClassificationRecipe) -> "nn.Module":
        from edgewise.vision.classification.network import create_classifier

        return create_classifier(recipe.model, recipe.data)

    def module(self, network: "nn.Module", recipe: ClassificationRecipe) -> "pl.LightningModule":
        from edgewise.vision.classification.module import Classifier

        return Classifier(network, recipe)

    def baseline(self, recipe: ClassificationRecipe, match: str) -> Recipe:
        from edgewise.vision.classification.baseline import matched_baseline

        return matched_baseline(recipe, match)

    def evaluate(self, run_dir: Path, dataset, device: str):
        from edgewise.vision.classification.evaluate import evaluate_run

        return evaluate_run(run_dir, dataset, device)

    def predict(self, run_dir: Path, images, out_dir: Path, device: str):
        from edgewise.vision.classification.predict import predict_classes

        return predict_classes(run_dir, images, out_dir, device)

    def report(self, run_dirs: list[Path], path: Path, titles: list[str] | None, device: str) -> "Report":
        from edgewise.vision.classification.report import report_classification

        return report_classification(run_dirs, path, titles, device)


TASKS: dict[str, Task] = {task.recipe.task: task for task in (Segmentation(), Classification())}


def task_of(recipe: Recipe) -> Task:
    """What a recipe trains."""
    return TASKS[recipe.task]
