"""Divide a dataset into training, validation and test sets that share no picture."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgewise._errors import DataError
from edgewise._optional import require
from edgewise._registry import Registry
from edgewise.vision.data.duplicates import Duplicate, find_duplicates

if TYPE_CHECKING:
    from edgewise.vision.data.dataset import SegmentationSet

PUBLISHED_SEEDS = (2981, 6142, 1187)
TEST = 0.2


@dataclass(frozen=True)
class Split:
    """The three sides of a dataset.

    Attributes:
        train: What a model learns from.
        validation: What its best epoch is chosen on.
        test: What is reported, and looked at once.
        dropped: The pairs for which `without_duplicates` left the first picture out.
    """

    train: "SegmentationSet"
    validation: "SegmentationSet"
    test: "SegmentationSet"
    dropped: tuple[Duplicate, ...] = ()

    def duplicates(self) -> list[Duplicate]:
        """The pairs of equal pictures with one on each of two sides; first the one nearer to training."""
        side = {id: rank for rank, part in enumerate(self._sides) for id in part.ids}
        if len(side) < sum(map(len, self._sides)):
            twice = sorted({id for id in side if sum(id in part.ids for part in self._sides) > 1})
            raise DataError(f"{', '.join(twice[:5])} of {self.train.name!r} is on two sides of the split; keep it on one")
        union = replace(self.train, samples=tuple(sample for part in self._sides for sample in part))
        return [pair for pair in find_duplicates(union) if side[pair.first] != side[pair.second]]

    def check(self) -> "Split":
        """The split itself, if no picture is on two sides, re-encoded or resized ones included.

        Raises:
            DataError: There is such a picture; the message names the pair.
        """
        if found := self.duplicates():
            first, second, distance = found[0]
            more = f", one of {len(found)} such pairs" if len(found) > 1 else ""
            raise DataError(
                f"{first} and {second} of {self.train.name!r} are the same picture (distance {distance:.4f}) on two "
                f"sides of the split{more}; leave one out, as Split.without_duplicates() does"
            )
        return self

    def without_duplicates(self) -> "Split":
        """The split without the pictures that another side holds too; `dropped` says which and why.

        The copy nearer to training goes: the test set stays the published one.
        """
        found = tuple(self.duplicates())
        gone = {pair.first for pair in found}
        train, validation = (part.subset(id for id in part.ids if id not in gone) for part in (self.train, self.validation))
        return Split(train, validation, self.test, dropped=self.dropped + found)

    @property
    def _sides(self) -> "tuple[SegmentationSet, SegmentationSet, SegmentationSet]":
        return self.train, self.validation, self.test


SPLITS: Registry[Callable[["SegmentationSet", int], Split]] = Registry("split")


def list_splits() -> list[str]:
    """Names that a dataset's ``split_by`` may have."""
    return list(SPLITS)


@SPLITS.register("published")
def published_split(dataset: "SegmentationSet", seed: int = 2981, validation: float = 0.1) -> Split:
    """The random division of the literature on BUSI, GlaS and CVC-ClinicDB, with a validation set of its own.

    A fifth of the sorted ids, drawn by ``sklearn.model_selection.train_test_split`` with the seed as random state, is
    the test set; three seeds are in use (2981, 6142, 1187). The literature chooses its best epoch on that test set.
    Here a tenth of the other four fifths is set aside for the choice, so the same numbers are harder to reach.

    The division depends on the names: ``benign (10)`` sorts before ``benign (2)``, ``benign_010`` after ``benign_002``,
    so only ids as released give the test sets of the literature.

    Args:
        dataset: What to divide.
        seed: Random state of both draws.
        validation: Fraction of the training fifths to choose the best epoch on.

    Raises:
        DataError: There are too few samples for three sides.
    """
    rest, test = draw(dataset, dataset.ids, seed, TEST)
    return divide(dataset, *draw(dataset, rest, seed, validation), test)


@SPLITS.register("grouped")
def grouped_split(dataset: "SegmentationSet", seed: int = 2981, validation: float = 0.1) -> Split:
    """`published_split` of groups instead of samples: what has one `Sample.group` stays on one side.

    The frames of a video and the slides of a patient resemble each other, so a division of single samples measures
    recall of training pictures; this one does not.

    Raises:
        DataError: A sample has no group, or there are too few groups for three sides.
    """
    groups: dict[str, list[str]] = {}
    for sample in dataset:
        if sample.group is None:
            raise DataError(f"sample {sample.id!r} of {dataset.name!r} has no group, so it cannot be split by group")
        groups.setdefault(sample.group, []).append(sample.id)
    rest, test = draw(dataset, groups, seed, TEST)
    sides = (*draw(dataset, rest, seed, validation), test)
    return divide(dataset, *([id for name in side for id in groups[name]] for side in sides))


def divide(dataset: "SegmentationSet", train: Iterable[str], validation: Iterable[str], test: Iterable[str]) -> Split:
    """The split whose sides hold these ids, each side in the order of its ids."""
    return Split(*(dataset.subset(sorted(ids)) for ids in (train, validation, test)))


def draw(dataset: "SegmentationSet", names: Iterable[str], seed: int, fraction: float) -> tuple[list[str], list[str]]:
    """Part names into those kept and a fraction drawn by scikit-learn's `train_test_split` of the sorted names.

    Raises:
        DataError: There are too few names to keep one and draw one.
    """
    names = sorted(names)
    if not fraction:
        return names, []
    try:
        kept, drawn = require("sklearn.model_selection", extra="data").train_test_split(
            names, test_size=fraction, random_state=seed
        )
    except ValueError as error:
        raise DataError(
            f"dataset {dataset.name!r} is too small: a fraction of {fraction} cannot be drawn from {len(names)}; "
            "add samples or change the fraction"
        ) from error
    return kept, drawn
