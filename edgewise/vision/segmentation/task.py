"""Segmentation as a task: a class for each pixel."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.io import load_model
from edgewise.models.deployment import Deployment
from edgewise.vision.data import SegmentationSet
from edgewise.vision.data.inventory import Inventory
from edgewise.vision.segmentation.comparison import Comparison
from edgewise.vision.segmentation.deploy import deploy_segmenter
from edgewise.vision.segmentation.evaluate import evaluate_files, evaluate_masks, read_as_noted
from edgewise.vision.segmentation.evaluation import Evaluation
from edgewise.vision.segmentation.images import MaskedImages, open_run
from edgewise.vision.segmentation.inference.each import Predictions
from edgewise.vision.segmentation.inference.files import Inference, predict_masks, scored_by
from edgewise.vision.segmentation.inference.opening import open_predictor
from edgewise.vision.segmentation.learner import Segmenter
from edgewise.vision.segmentation.losses import SegmentationLoss, loss_of
from edgewise.vision.segmentation.network import create_segmenter
from edgewise.vision.segmentation.predict import Predictor
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.segmentation.report import report_segmentation
from edgewise.vision.segmentation.tune_threshold import choose_threshold, tunable
from edgewise.vision.segmentation.tuned import TunedThreshold
from edgewise.vision.training.files import RunFiles
from edgewise.vision.training.page import Report
from edgewise.vision.training.recipe import Recipe
from edgewise.vision.training.tasks import TASKS, Score

TITLES = {"iou": "IoU", "f1": "F1", "image_iou": "IoU per image", "image_f1": "F1 per image"}


@TASKS.register(SegmentationRecipe.task)
class Segmentation:
    """A class for each pixel."""

    truth: ClassVar = "mask"
    any_size: ClassVar = True
    packages: ClassVar = ("monai.losses",)

    def score(self, recipe: SegmentationRecipe) -> Score:
        return Score(f"val_{recipe.score}", f"validation {TITLES[recipe.score]}")

    def images(self, recipe: SegmentationRecipe, inventory: Inventory | None = None) -> MaskedImages:
        return MaskedImages(recipe, inventory)

    def network(self, recipe: SegmentationRecipe) -> nn.Module:
        return create_segmenter(recipe.model, recipe.data.channels, recipe.data.classes, recipe.data.size)

    def load(self, path: Path) -> nn.Module:
        return load_model(path)

    def learner(self, network: nn.Module, recipe: SegmentationRecipe, facts: Mapping[str, Any]) -> Segmenter:
        return Segmenter(network, recipe, facts)

    def criterion(self, recipe: SegmentationRecipe, facts: Mapping[str, Any]) -> SegmentationLoss:
        return loss_of(recipe.data.classes, recipe.loss, facts)

    def baseline(self, recipe: SegmentationRecipe, match: str) -> Recipe:
        raise ConfigError("a plain baseline is made for classification; of a segmentation, the report has a grey threshold")

    def evaluate(
        self,
        runs: Sequence[RunFiles],
        members: Sequence[Path],
        dataset: SegmentationSet | None,
        device: str,
        inference: Inference | None = None,
    ) -> Evaluation:
        asked = scored_by(inference)
        opened = open_predictor(members, device, asked.decision, asked.turned)
        if runs:
            return evaluate_files(runs[0], opened.predictor, dataset, runs[1:])
        if dataset is None:
            raise ConfigError(f"{members[0]} does not know its test images: say which to score, --data NAME --root DIR")
        return evaluate_masks(opened.predictor, read_as_noted(dataset, opened.facts, opened.count), opened.count)

    def comparison(self) -> Callable[[Evaluation, Evaluation], Comparison]:
        return Comparison.of

    def predict(
        self,
        runs: Sequence[Path],
        images: Iterable[str | Path],
        out_dir: Path,
        device: str,
        inference: Inference | None = None,
    ) -> Predictions:
        return predict_masks(runs, images, out_dir, device, inference)

    def tune_threshold(self, run_dir: Path, device: str) -> TunedThreshold:
        folder = tunable(run_dir)
        return choose_threshold(folder, Predictor.from_run(run_dir, device), open_run(folder).validation)

    def deployment(self, run_dir: Path) -> Deployment:
        return deploy_segmenter(run_dir)

    def report(self, run_dirs: Sequence[str | Path], path: Path, titles: Sequence[str] | None, device: str) -> Report:
        return report_segmentation(run_dirs, path, titles, device)
