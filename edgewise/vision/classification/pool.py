"""The pictures of a recipe of classification, in folds and scored by several runs."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from edgewise.vision.classification.evaluate import evaluate_classes
from edgewise.vision.classification.evaluation import ClassificationEvaluation
from edgewise.vision.classification.images import open_classes, split_of
from edgewise.vision.classification.opening import open_classifier
from edgewise.vision.classification.recipe import ClassificationRecipe
from edgewise.vision.data.classification import ClassificationSplit
from edgewise.vision.data.digests import names_of
from edgewise.vision.training.pool import POOLS, Member


@POOLS.register(ClassificationRecipe.task)
class ClassPool:
    """All pictures with classes of a recipe; :class:`~edgewise.vision.training.pool.Pool` says what it is for."""

    def __init__(self, recipe: ClassificationRecipe, facts: Mapping[str, Any] | None = None):
        self.recipe, self.dataset = recipe, open_classes(recipe.data)
        self.facts = facts or {"classes": list(self.dataset.classes)}

    def split(self) -> ClassificationSplit:
        return split_of(self.dataset, self.recipe.data)

    def members(self, ids: Iterable[str]) -> list[Member]:
        """Each with its class."""
        ids, groups = list(ids), self.dataset.groups
        places = [self._places[id] for id in ids]
        labels = self.dataset.labels[places].tolist()
        return [
            Member(id, groups[place] if groups else None, label)
            for id, place, label in zip(ids, places, labels, strict=True)
        ]

    def copies(self, ids: Iterable[str]) -> list[tuple[str, str]]:
        """None: in sets of many thousands, pictures are not compared by looks."""
        return []

    def score(self, runs: Sequence[Path], ids: Iterable[str], device: str) -> ClassificationEvaluation:
        part = self.dataset.take(np.array([self._places[id] for id in ids], np.int64))
        return evaluate_classes(open_classifier(runs, device), part)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {id: place for place, id in enumerate(names_of(self.dataset))}
