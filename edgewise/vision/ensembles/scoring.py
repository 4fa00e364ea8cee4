"""What an ensemble is worth: each image scored by the members that did not see it, and the test side by all."""

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from edgewise._ground.errors import CheckpointError
from edgewise.vision.data.digests import digests_of
from edgewise.vision.ensembles.folder import EnsembleFolder
from edgewise.vision.training.pool import Pooled, pool_of


@dataclass(frozen=True)
class EnsembleScores:
    """The scores of an ensemble.

    Attributes:
        out_of_fold: Of all images but the test side, each by the members that did not see it.
        folds: The same, fold by fold.
        test: Of the test side, by the mean of all members.
    """

    out_of_fold: Pooled
    folds: tuple[Pooled, ...]
    test: Pooled

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

    def fold_rows(self) -> list[tuple[str, ...]]:
        """Of each fold its images, and the score that stands first with its interval."""
        name = self.leading
        folds = enumerate(self.folds)
        return [(f"fold {number}", str(len(fold.cases)), *_shown(fold, name)) for number, fold in folds]

    @property
    def leading(self) -> str:
        """The score that stands first."""
        return next(iter(self.out_of_fold.titles))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        folds = [{"images": len(f.cases), "scores": f.scores, "intervals": f.intervals} for f in self.folds]
        return {
            "out_of_fold": self.out_of_fold.to_dict(),
            "spread": self.spread(),
            "folds": folds,
            "test": self.test.to_dict(),
        }


def score_ensemble(path: str | Path, device: str = "cpu") -> EnsembleScores:
    """Score an ensemble.

    Raises:
        CheckpointError: The folder holds no ensemble, its list of images is lost, or a member has done no epoch or is
            corrupted.
        DataError: The images are not those that it was started with.
    """
    folder = EnsembleFolder(path)
    pool, inventories = pool_of(folder.read_recipe(), folder.read_facts()), folder.read_folds()
    whole = folder.read_inventory() if folder.pictures.exists() else None
    if whole is None:
        raise CheckpointError(f"{folder.pictures} is lost, which says what the test side is: restore it from a copy")
    digests = digests_of(pool.dataset)
    whole.check(digests, pool.dataset.name)
    folds = [list(inventory.sides["test"]) for inventory in inventories]
    each = [pool.score(folder.members(fold), ids, device) for fold, ids in enumerate(folds)]
    place = {id: number for number, id in enumerate(digests)}
    learned = [place[id] for ids in folds for id in ids]
    order = sorted(range(len(learned)), key=learned.__getitem__)
    test = pool.score(folder.members(), whole.sides["test"], device)
    return EnsembleScores(type(test).together(each, order), tuple(each), test)


def _shown(evaluation: Pooled, name: str) -> tuple[str, str]:
    value = f"{evaluation.scores[name]:.4f}" if name in evaluation.scores else ""
    return value, evaluation.interval(name)


def _spread(of: dict[str, float] | None) -> str:
    return f"{of['mean']:.3f} ± {of['deviation']:.3f}" if of else ""
