"""Segmentation of scans slice by slice as a task: that of volumes, but for the network, which is one of pictures."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.models.deployment import Deployment
from edgewise.vision.data.inventory import Inventory
from edgewise.vision.segmentation.deploy import deploy_segmenter
from edgewise.vision.segmentation.learner import Segmenter
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.recipe import Recipe
from edgewise.vision.training.tasks import TASKS
from edgewise.vision.volumes.sliced.images import SliceImages
from edgewise.vision.volumes.sliced.recipe import SliceRecipe
from edgewise.vision.volumes.task import VolumeSegmentation
from edgewise.vision.volumes.volume import AXES


@TASKS.register(SliceRecipe.task)
class SliceSegmentation(VolumeSegmentation):
    """A class for each voxel, by the slice that it lies in."""

    packages: ClassVar = ("monai.losses", "nibabel")

    def images(self, recipe: SliceRecipe, inventory: Inventory | None = None) -> SliceImages:  # pyright: ignore
        return SliceImages(recipe, inventory)

    def learner(self, network: nn.Module, recipe: SliceRecipe, facts: Mapping[str, Any]) -> Segmenter:  # pyright: ignore
        return Segmenter(network, recipe, facts)

    def baseline(self, recipe: SliceRecipe, match: str) -> Recipe:  # pyright: ignore
        raise ConfigError("a plain baseline is made for classification; of slices, train model.name=unet beside it")

    def deployment(self, run_dir: Path) -> Deployment:
        known, data = deploy_segmenter(run_dir), RunFolder(run_dir).read_recipe(SliceRecipe).data
        cut = {"axes": AXES, "plane": data.plane, "pixel_mm": data.pixel or "the finer spacing of a slice"}
        given = {**known.metadata["input"], "slices": cut}
        given["order"] = ["scaling", "slices", *given["order"][1:]]
        return replace(known, metadata={**known.metadata, "task": SliceRecipe.task, "input": given})
