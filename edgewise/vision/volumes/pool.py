"""The scans of a recipe of volumes or of slices, in folds and scored by several runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgewise.vision.data.dataset import SegmentationSet, Split
from edgewise.vision.data.intensity import Intensity
from edgewise.vision.segmentation.evaluate import evaluate_masks
from edgewise.vision.segmentation.evaluation import Evaluation
from edgewise.vision.segmentation.pool import MaskPool
from edgewise.vision.training.pool import POOLS
from edgewise.vision.volumes.images import facts_of, open_volumes, read_as_noted, sides_of
from edgewise.vision.volumes.opening import open_volume_predictor
from edgewise.vision.volumes.preprocess import median_spacing
from edgewise.vision.volumes.recipe import ScanRecipe, VolumeRecipe
from edgewise.vision.volumes.sample import scans_of
from edgewise.vision.volumes.sliced.recipe import SliceRecipe


@POOLS.register(SliceRecipe.task)
class ScanPool(MaskPool):
    """All scans of a recipe; :class:`~edgewise.vision.training.pool.Pool` says what it is for.

    The window of intensities that a recipe leaves to the data is found once, by all scans but the test side, so that all
    runs see a scan in the same way.
    """

    def __init__(self, recipe: ScanRecipe, facts: Mapping[str, Any] | None = None):
        data, dataset = recipe.data, open_volumes(recipe.data)
        self.facts = dict(facts or facts_of(dataset, _learned(dataset, recipe), data))
        if self.facts["window"]:
            low, high = self.facts["window"]
            data = replace(data, intensity=Intensity(scale="window", low=low, high=high))
        self.recipe, self.dataset = replace(recipe, data=data), read_as_noted(dataset, self.facts)

    def split(self) -> Split:
        return sides_of(self.dataset, self.recipe.data, None)

    def copies(self, ids: Iterable[str]) -> list[tuple[str, str]]:
        """None: scans are not compared by looks."""
        return []

    def score(self, runs: Sequence[Path], ids: Iterable[str], device: str) -> Evaluation:
        part = self.dataset.subset(ids)
        part = replace(part, samples=tuple(scan.measured() for scan in scans_of(part)))
        return evaluate_masks(open_volume_predictor(runs, device).predictor, part, self.recipe.data.classes)


@POOLS.register(VolumeRecipe.task)
class VolumePool(ScanPool):
    """The same of volumes, whose spacing is found once too."""

    def __init__(self, recipe: VolumeRecipe, facts: Mapping[str, Any] | None = None):
        super().__init__(recipe, facts)
        if facts is None:
            learned = scans_of(_learned(self.dataset, recipe))
            self.facts["spacing"] = list(recipe.data.spacing or median_spacing([one.spacing_in_body for one in learned]))
        self.recipe = replace(self.recipe, data=replace(self.recipe.data, spacing=tuple(self.facts["spacing"])))


def _learned(dataset: SegmentationSet, recipe: ScanRecipe) -> SegmentationSet:
    """All scans but those of the test side."""
    split = sides_of(dataset, recipe.data, None)
    return dataset.subset([*split.train.ids, *split.validation.ids])
