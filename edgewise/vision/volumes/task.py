"""Segmentation of volumes as a task: that of pictures, but for what three dimensions change."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.models.deployment import Deployment
from edgewise.vision.data.inventory import Inventory
from edgewise.vision.segmentation.evaluation import Evaluation
from edgewise.vision.segmentation.inference.each import Predictions
from edgewise.vision.segmentation.inference.files import Inference, scored_by
from edgewise.vision.segmentation.task import Segmentation
from edgewise.vision.segmentation.tune_threshold import choose_threshold, tunable
from edgewise.vision.segmentation.tuned import TunedThreshold
from edgewise.vision.training.files import RunFiles
from edgewise.vision.training.page import Report
from edgewise.vision.training.recipe import Recipe
from edgewise.vision.training.tasks import TASKS
from edgewise.vision.volumes.deploy import deploy_volumes
from edgewise.vision.volumes.evaluate import evaluate_exported, evaluate_files
from edgewise.vision.volumes.files import predict_volumes
from edgewise.vision.volumes.images import VolumeImages, open_run
from edgewise.vision.volumes.learner import VolumeSegmenter
from edgewise.vision.volumes.opening import open_member, open_volume_predictor
from edgewise.vision.volumes.recipe import VolumeRecipe
from edgewise.vision.volumes.report import report_volumes
from edgewise.vision.volumes.sample import VolumeSet


@TASKS.register(VolumeRecipe.task)
class VolumeSegmentation(Segmentation):
    """A class for each voxel."""

    packages: ClassVar = ("monai.losses", "nibabel")

    def images(self, recipe: VolumeRecipe, inventory: Inventory | None = None) -> VolumeImages:  # pyright: ignore
        return VolumeImages(recipe, inventory)

    def learner(self, network: nn.Module, recipe: VolumeRecipe, facts: Mapping[str, Any]) -> VolumeSegmenter:  # pyright: ignore
        return VolumeSegmenter(network, recipe, facts)

    def baseline(self, recipe: VolumeRecipe, match: str) -> Recipe:  # pyright: ignore
        raise ConfigError("a plain baseline is made for classification; of volumes, train model.name=unet3d beside it")

    def evaluate(  # pyright: ignore
        self,
        runs: Sequence[RunFiles],
        members: Sequence[Path],
        dataset: VolumeSet | None,
        device: str,
        inference: Inference | None = None,
    ) -> Evaluation:
        asked = scored_by(inference)
        opened = open_volume_predictor(members, device, asked.decision, asked.turned)
        if not runs:
            return evaluate_exported(members[0], opened, dataset)
        return evaluate_files(runs[0], opened.predictor, dataset, runs[1:])

    def predict(
        self,
        runs: Sequence[Path],
        images: Iterable[str | Path],
        out_dir: Path,
        device: str,
        inference: Inference | None = None,
    ) -> Predictions:
        return predict_volumes(runs, images, out_dir, device, inference)

    def tune_threshold(self, run_dir: Path, device: str) -> TunedThreshold:
        folder = tunable(run_dir)
        return choose_threshold(folder, open_member(run_dir, device), open_run(folder).validation)

    def deployment(self, run_dir: Path) -> Deployment:
        return deploy_volumes(run_dir)

    def report(self, run_dirs: Sequence[str | Path], path: Path, titles: Sequence[str] | None, device: str) -> Report:
        return report_volumes(run_dirs, path, titles, device)
