"""Ways to divide a dataset into training, validation and test sets that share no picture."""

from collections.abc import Iterable

from edgewise._ground.errors import DataError
from edgewise._ground.optional import require
from edgewise.vision.data.dataset import SPLITS, SegmentationSet, Split

PUBLISHED_SEEDS = (2981, 6142, 1187)
TEST = 0.2


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
