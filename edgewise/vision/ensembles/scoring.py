"""What an ensemble is worth: each picture scored by the members that did not see it, and the test side by all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from edgewise._ground.errors import warn
from edgewise.vision.data import SegmentationSet
from edgewise.vision.data.digests import digests_of
from edgewise.vision.ensembles.folder import EnsembleFolder
from edgewise.vision.segmentation.evaluate import evaluate_masks
from edgewise.vision.segmentation.evaluation import Evaluation
from edgewise.vision.segmentation.images import open_dataset
from edgewise.vision.segmentation.inference.ensemble import Ensemble
from edgewise.vision.segmentation.predict import Predictor
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.segmentation.scores.cohort import Cohort


@dataclass(frozen=True)
class EnsembleScores:
    """The scores of an ensemble.

    Attributes:
        out_of_fold: Of all pictures but the test side, each by the members that did not see it.
        folds: The same, fold by fold.
        test: Of the test side, by the mean of all members.
    """

    out_of_fold: Evaluation
    folds: tuple[Evaluation, ...]
    test: Evaluation

    def spread(self) -> dict[str, dict[str, float]]:
        """Of each score that all folds have, its mean, standard deviation, smallest and largest value over folds."""
        names = [name for name in self.out_of_fold.scores if all(name in fold.scores for fold in self.folds)]
        values = {name: [fold.scores[name] for fold in self.folds] for name in names}
        return {
            name: {"mean": fmean(each), "deviation": stdev(each), "smallest": min(each), "largest": max(each)}
            for name, each in values.items()
        }

    def rows(self) -> list[tuple[str, ...]]:
        """Of each score its title, out of fold with its interval, the spread over folds, and on the test side likewise."""
        spread, titles = self.spread(), self.out_of_fold.titles | self.out_of_fold.further
        return [
            (title, *_shown(self.out_of_fold, name), _spread(spread.get(name)), *_shown(self.test, name))
            for name, title in titles.items()
        ]

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        folds = [{"images": len(fold.cases), "scores": fold.scores} for fold in self.folds]
        return {
            "out_of_fold": self.out_of_fold.to_dict(),
            "spread": self.spread(),
            "folds": folds,
            "test": self.test.to_dict(),
        }


def score_ensemble(path: str | Path, device: str = "cpu") -> EnsembleScores:
    """Score an ensemble.

    Raises:
        CheckpointError: The folder holds no ensemble, or a member has done no epoch or is corrupted.
        DataError: The pictures are not those that it was started with.
    """
    folder = EnsembleFolder(path)
    recipe = folder.read_recipe(SegmentationRecipe)
    dataset, inventories = open_dataset(recipe.data, folder.read_facts()), folder.read_folds()
    if inventories:
        inventories[0].check(digests_of(dataset), dataset.name)
    folds = [dataset.subset(inventory.sides["test"]) for inventory in inventories]
    sides = _in_one_unit([*folds, dataset.subset((folder.read_inventory() or inventories[0]).sides["test"])])
    *each, test = (
        evaluate_masks(mean_of_members(folder, device, fold), side, recipe.data.classes)
        for fold, side in zip([*range(len(folds)), None], sides, strict=True)
    )
    return EnsembleScores(_together(each, dataset), tuple(each), test)


def mean_of_members(folder: EnsembleFolder, device: str = "cpu", fold: int | None = None) -> Ensemble:
    """The mean of the probabilities of the best epochs of members.

    Args:
        folder: The ensemble.
        device: Where to compute.
        fold: The fold whose members are asked, those that did not see it; None: all.

    Raises:
        CheckpointError: There is no ensemble, a member has done no epoch yet, or its model is corrupted.
    """
    names = sorted(name for name, number, _ in folder.read_members().names() if fold in (None, number))
    return Ensemble([Predictor.from_run(folder.member(name).path, device) for name in names])


def _in_one_unit(sides: Sequence[SegmentationSet]) -> list[SegmentationSet]:
    """The sides, without spacing where it is not known of all pictures, so that all distances have one unit."""
    known = [sample.spacing is not None for side in sides for sample in side]
    if all(known) or not any(known):
        return list(sides)
    warn(f"{known.count(False)} of {len(known)} pictures have no spacing, so all distances are in pixels: give it for all")
    return [replace(side, samples=tuple(replace(sample, spacing=None) for sample in side)) for side in sides]


def _together(folds: Sequence[Evaluation], dataset: SegmentationSet) -> Evaluation:
    """All cases of the folds, in the order of the set."""
    cases = [case for fold in folds for case in zip(fold.cohort.ids, fold.cohort.groups, fold.cohort.measured, strict=True)]
    place = {id: number for number, id in enumerate(dataset.ids)}
    ids, groups, measured = zip(*sorted(cases, key=lambda case: place[case[0]]), strict=True)
    names = ("background", *(one.name for one in folds[0].classes))
    return Evaluation.of(Cohort(ids, groups, measured), folds[0].unit, names)


def _shown(evaluation: Evaluation, name: str) -> tuple[str, str]:
    value = f"{evaluation.scores[name]:.4f}" if name in evaluation.scores else ""
    return value, evaluation.interval(name)


def _spread(of: dict[str, float] | None) -> str:
    return f"{of['mean']:.3f} ± {of['deviation']:.3f}" if of else ""
