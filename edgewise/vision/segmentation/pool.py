"""The pictures of a recipe of segmentation, in folds and scored by several runs."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from edgewise._ground.errors import warn
from edgewise.vision.data.dataset import SegmentationSet, Split
from edgewise.vision.data.duplicates import find_duplicates
from edgewise.vision.data.reading import facts_of
from edgewise.vision.segmentation.evaluate import evaluate_masks
from edgewise.vision.segmentation.evaluation import Evaluation
from edgewise.vision.segmentation.images import open_dataset, split_of
from edgewise.vision.segmentation.inference.opening import open_predictor
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.segmentation.sampling import classes_in
from edgewise.vision.training.pool import POOLS, Member


@POOLS.register(SegmentationRecipe.task)
class MaskPool:
    """All pictures with masks of a recipe; :class:`~edgewise.vision.training.pool.Pool` says what it is for."""

    def __init__(self, recipe: SegmentationRecipe, facts: Mapping[str, Any] | None = None):
        self.recipe, self.dataset = recipe, open_dataset(recipe.data, facts)
        self.facts = facts or facts_of(self.dataset)

    def split(self) -> Split:
        return split_of(self.dataset, self.recipe.data)

    def members(self, ids: Iterable[str]) -> list[Member]:
        """Each with the rarest class in it."""
        samples = self.dataset.subset(ids)
        classes = classes_in(samples)
        often = Counter(label for labels in classes for label in labels)
        rarest = [min(labels, key=lambda label: (often[label], label), default=0) for labels in classes]
        return [Member(sample.id, sample.group, label) for sample, label in zip(samples, rarest, strict=True)]

    def copies(self, ids: Iterable[str]) -> list[tuple[str, str]]:
        return [(pair.first, pair.second) for pair in find_duplicates(self.dataset.subset(ids))]

    def score(self, runs: Sequence[Path], ids: Iterable[str], device: str) -> Evaluation:
        masks = open_predictor(runs, device).predictor
        return evaluate_masks(masks, self._measured.subset(ids), self.recipe.data.classes)

    @cached_property
    def _measured(self) -> SegmentationSet:
        """The pictures, without spacing where it is not known of all, so that distances have one unit in all folds."""
        known = [sample.spacing is not None for sample in self.dataset]
        if all(known) or not any(known):
            return self.dataset
        warn(f"{known.count(False)} of {len(known)} pictures have no spacing, so distances are in pixels: give it for all")
        return replace(self.dataset, samples=tuple(replace(sample, spacing=None) for sample in self.dataset))
