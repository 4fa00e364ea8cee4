"""Ways to divide a dataset into training, validation and test sets that share no picture."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from edgewise._ground.errors import DataError, warn
from edgewise._ground.optional import require
from edgewise.vision.data.dataset import SPLITS, SegmentationSet, Split
from edgewise.vision.data.sample import Sample

PUBLISHED_SEEDS = (2981, 6142, 1187)
TEST = 0.2
NEAR = 0.05
"""A side further than this part of the whole set from the size asked for is worth a warning."""


def list_splits() -> list[str]:
    """Names that a dataset's ``split_by`` may have."""
    return list(SPLITS)


@SPLITS.register("published")
def published_split(dataset: SegmentationSet, seed: int = 2981, validation: float = 0.1) -> Split:
    """The random division of the literature on BUSI, GlaS and CVC-ClinicDB, with a validation set of its own.

    A fifth of the sorted ids, drawn by ``sklearn.model_selection.train_test_split`` with the seed as random state, is
    the test set; three seeds are in use (2981, 6142, 1187). The literature chooses its best epoch on that test set.
    Here a tenth of the other four fifths is set aside for the choice, so the same numbers are harder to reach.

    The division depends on the names: ``benign (10)`` sorts before ``benign (2)``, ``benign_010`` after ``benign_002``,
    so only ids as released give the test sets of the literature.

    Single pictures are drawn, so where several show one patient or video, as in GlaS and CVC-ClinicDB, most test pictures
    have near copies in training; `Split.leaks` counts them.

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
def grouped_split(dataset: SegmentationSet, seed: int = 2981, validation: float = 0.1) -> Split:
    """A fifth for test and a tenth of the rest for validation, drawn in groups: what has one `Sample.group` stays together.

    The frames of a video and the slides of a patient resemble each other, so a division of single samples measures
    recall of training pictures; this one does not. Groups are taken in an order drawn with the seed while they fit; the
    sizes of the sides are then right to within the smallest groups.

    Raises:
        DataError: A sample has no group, or there are too few groups for three sides.
    """
    groups = _by_group(dataset, dataset.samples)
    rest, test = draw_groups(dataset, groups, sorted(groups), seed, TEST * len(dataset))
    left = sum(len(groups[name]) for name in rest)
    train, chosen = draw_groups(dataset, groups, rest, seed, validation * left)
    return divide(dataset, *([id for name in side for id in groups[name]] for side in (train, chosen, test)))


@SPLITS.register("sides")
def sides_split(dataset: SegmentationSet, seed: int = 2981, validation: float = 0.1) -> Split:
    """The sides that a dataset was given in, such as folders ``train``, ``val`` and ``test``.

    Without a test side, the validation side is what is reported on. The best epoch is then chosen on a tenth of the
    training side, drawn with the seed, in groups where there are any.

    Raises:
        DataError: A sample has no side, or there is no training side, or nothing beside it.
    """
    sides = {side: [sample for sample in dataset if sample.side == side] for side in ("train", "validation", "test")}
    if not sides["train"] or sum(map(len, sides.values())) < len(dataset) or not (sides["validation"] or sides["test"]):
        found = ", ".join(f"{len(samples)} {side}" for side, samples in sides.items())
        raise DataError(
            f"dataset {dataset.name!r} of {len(dataset)} has {found} samples: give sides to all, train and another"
        )
    train, chosen, test = ([sample.id for sample in samples] for samples in sides.values())
    if not test:
        chosen, test = [], chosen
    if not chosen:
        train, chosen = _held_back(dataset, sides["train"], seed, validation)
    return divide(dataset, train, chosen, test)


def _held_back(
    dataset: SegmentationSet, samples: Sequence[Sample], seed: int, fraction: float
) -> tuple[list[str], list[str]]:
    """The ids of a training side without and with those to choose the best epoch on."""
    if any(sample.group is None for sample in samples):
        return draw(dataset, [sample.id for sample in samples], seed, fraction)
    groups = _by_group(dataset, samples)
    kept, drawn = draw_groups(dataset, groups, sorted(groups), seed, fraction * len(samples))
    return [id for name in kept for id in groups[name]], [id for name in drawn for id in groups[name]]


def _by_group(dataset: SegmentationSet, samples: Iterable[Sample]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for sample in samples:
        if sample.group is None:
            raise DataError(
                f"sample {sample.id!r} of {dataset.name!r} has no group, so it cannot be split by group; give "
                "groups=PATTERN or a CSV file where the dataset takes them, or split_by='published'"
            )
        groups.setdefault(sample.group, []).append(sample.id)
    return groups


def draw_groups(
    dataset: SegmentationSet, groups: Mapping[str, Sequence[str]], names: Sequence[str], seed: int, target: float
) -> tuple[list[str], list[str]]:
    """Part the names of groups into those kept and those drawn, which hold about `target` samples.

    Raises:
        DataError: There are too few groups to keep one and draw one.
    """
    if not target:
        return list(names), []
    if len(names) < 2:
        largest = max(groups, key=lambda name: len(groups[name]))
        raise DataError(
            f"dataset {dataset.name!r} is too small: its {len(groups)} groups cannot be parted in training, validation and "
            f"test, and the largest, {largest!r}, has {len(groups[largest])} of {len(dataset)} pictures; add groups, or "
            "split by split_by='published'"
        )
    order = [names[int(index)] for index in np.random.default_rng(seed).permutation(len(names))]
    drawn: list[str] = []
    held = 0
    for name in order:
        if held + len(groups[name]) <= target:
            drawn.append(name)
            held += len(groups[name])
    rest = [name for name in order if name not in drawn]
    nearest = min(rest, key=lambda name: abs(held + len(groups[name]) - target))
    if len(rest) > 1 and (not drawn or abs(held + len(groups[nearest]) - target) < abs(held - target)):
        drawn, held = [*drawn, nearest], held + len(groups[nearest])
    if abs(held - target) > max(1, NEAR * len(dataset)):
        warn(
            f"a side of {dataset.name!r} has {held} samples where about {target:.0f} were asked for: its groups are large, "
            "and none is divided"
        )
    return sorted(set(names) - set(drawn)), sorted(drawn)


def by_groups_if_known(dataset: SegmentationSet, split_by: str | None, what: str) -> SegmentationSet:
    """The set with its way of dividing: the one asked for, else ``grouped``, else ``published`` with a warning.

    Args:
        dataset: The set.
        split_by: The way asked for.
        what: What its groups are.
    """
    unknown = [sample.id for sample in dataset if sample.group is None]
    if split_by is None and unknown:
        warn(
            f"the {what} of {len(unknown)} pictures of {dataset.name!r} is unknown, such as {unknown[0]!r}, so single "
            "pictures are drawn and test and training may share one; keep the release's names"
        )
    return replace(dataset, split_by=split_by or ("published" if unknown else "grouped"))


def divide(dataset: SegmentationSet, train: Iterable[str], validation: Iterable[str], test: Iterable[str]) -> Split:
    """The split whose sides hold these ids, each side in the order of its ids."""
    first, second, third = (dataset.subset(sorted(ids)) for ids in (train, validation, test))
    return Split(first, second, third)


def draw(dataset: SegmentationSet, names: Iterable[str], seed: int, fraction: float) -> tuple[list[str], list[str]]:
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
