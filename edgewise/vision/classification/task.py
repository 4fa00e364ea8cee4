"""Classification as a task: a class for each picture."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.io import load_model
from edgewise.models.deployment import Deployment
from edgewise.vision.classification.baseline import matched_baseline
from edgewise.vision.classification.comparison import ClassificationComparison
from edgewise.vision.classification.deploy import deploy_classifier
from edgewise.vision.classification.evaluate import evaluate_files
from edgewise.vision.classification.evaluation import ClassificationEvaluation
from edgewise.vision.classification.files import ClassPredictions, predict_classes
from edgewise.vision.classification.images import LabelledImages
from edgewise.vision.classification.learner import Classifier
from edgewise.vision.classification.network import create_classifier, of_pictures
from edgewise.vision.classification.objective import loss_of
from edgewise.vision.classification.opening import open_classifier
from edgewise.vision.classification.recipe import ClassificationRecipe
from edgewise.vision.classification.report import report_classification
from edgewise.vision.data import ClassificationSet
from edgewise.vision.data.inventory import Inventory
from edgewise.vision.training.files import RunFiles
from edgewise.vision.training.page import Report
from edgewise.vision.training.tasks import TASKS, Score, Tuned


@TASKS.register(ClassificationRecipe.task)
class Classification:
    """A class for each picture."""

    truth: ClassVar = "label"
    any_size: ClassVar = False
    packages: ClassVar = ()

    def score(self, recipe: ClassificationRecipe) -> Score:
        return Score(f"val_{recipe.score}", f"validation {'balanced ' if recipe.score == 'balanced' else ''}accuracy")

    def images(self, recipe: ClassificationRecipe, inventory: Inventory | None = None) -> LabelledImages:
        return LabelledImages(recipe, inventory)

    def network(self, recipe: ClassificationRecipe) -> nn.Module:
        return create_classifier(recipe.model, recipe.data)

    def load(self, path: Path) -> nn.Module:
        return of_pictures(load_model(path))

    def learner(self, network: nn.Module, recipe: ClassificationRecipe, facts: Mapping[str, Any]) -> Classifier:
        return Classifier(network, recipe, facts)

    def criterion(self, recipe: ClassificationRecipe, facts: Mapping[str, Any]) -> Callable[[Tensor, Tensor], Tensor]:
        return loss_of(recipe, facts)

    def baseline(self, recipe: ClassificationRecipe, match: str) -> ClassificationRecipe:
        return matched_baseline(recipe, match)

    def evaluate(
        self,
        runs: Sequence[RunFiles],
        members: Sequence[Path],
        dataset: ClassificationSet | None,
        device: str,
        inference: Any = None,
    ) -> ClassificationEvaluation:
        _check(members, inference)
        return evaluate_files(runs[0], open_classifier(members, device), dataset, runs[1:])

    def comparison(self) -> Callable[[ClassificationEvaluation, ClassificationEvaluation], ClassificationComparison]:
        return ClassificationComparison.of

    def predict(
        self, runs: Sequence[Path], images: Iterable[str | Path], out_dir: Path, device: str, inference: Any = None
    ) -> ClassPredictions:
        _check(runs, inference)
        return predict_classes(runs, images, out_dir, device)

    def tune_threshold(self, run_dir: Path, device: str) -> Tuned:
        raise ConfigError(f"{run_dir} is a run of classification, which names the likeliest class: no threshold is tuned")

    def deployment(self, run_dir: Path) -> Deployment:
        return deploy_classifier(run_dir)

    def report(self, run_dirs: Sequence[str | Path], path: Path, titles: Sequence[str] | None, device: str) -> Report:
        return report_classification(run_dirs, path, titles, device)


def _check(runs: Sequence[Path], inference: Any) -> None:
    """Refuse what is asked of masks, and exported files."""
    if inference is not None:
        raise ConfigError(f"{runs[0]} is a run of classification and makes no masks: leave out what is asked of masks")
    if exported := [run for run in runs if run.suffix == ".onnx"]:
        raise ConfigError(f"{exported[0]} is an ONNX file, and those of classification are not read: give the run")
