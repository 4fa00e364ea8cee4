"""How sure a score is: intervals by bootstrap over groups."""

from collections.abc import Callable

import torch
from torch import Tensor

from edgewise._ground.errors import DataError
from edgewise.vision.segmentation.scores.cohort import Cohort
from edgewise.vision.training.bootstrap import REPLICATES, SEED, Difference, Interval, draws, paired, percentiles

Scores = Callable[[dict[str, Tensor]], dict[str, Tensor]]


def intervals(cohort: Cohort, scores: Scores, replicates: int = REPLICATES, seed: int = SEED) -> list[dict[str, Interval]]:
    """95 % intervals by the percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993).

    As many groups as there are are drawn with replacement, all cases of a group together, for cases of a group resemble
    each other; the scores of the cases drawn are computed; and of 2000 such samples the 2.5th and 97.5th
    percentiles are taken. Samples for which a score is not defined are left out for it. A case of unknown group is a group
    of its own. Of few groups, some ten, the intervals are too narrow.

    Args:
        cohort: What was measured.
        scores: From sums over cases to scores, (...,) or (..., classes).
        replicates: How many samples are drawn.
        seed: Of the samples, so that the same cases always give the same interval.

    Returns:
        Intervals by name, for each class where the scores have classes, else one; without those that are not defined, as
        where there is only one group.
    """
    if cohort.units < 2:
        return [{} for _ in next(iter(scores(cohort.sums).values())).reshape(-1)]
    columns = scores(_samples(cohort, draws(cohort.units, replicates, seed)))
    columns = {name: column[:, None] if column.ndim == 1 else column for name, column in columns.items()}
    return [
        {name: found for name, column in columns.items() if (found := percentiles(column[:, index])) is not None}
        for index in range(next(iter(columns.values())).shape[1])
    ]


def differences(
    first: Cohort, second: Cohort, scores: Scores, replicates: int = REPLICATES, seed: int = SEED
) -> dict[str, Difference]:
    """Scores of the first less those of the second, with 95 % intervals, both on the same samples of the same cases.

    What makes a case hard is hard for both, so the interval of a difference is narrower than those of the scores.

    Args:
        first: What was measured of one method.
        second: The same cases by another.
        scores: From sums over cases to scores, (...,).
        replicates: How many samples are drawn.
        seed: Of the samples.

    Returns:
        By name, those that are defined for both; none where there is only one group.

    Raises:
        DataError: The cases, their groups or their truth are not the same.
    """
    check_pairs(first, second)
    if first.units < 2:
        return {}
    drawn = draws(first.units, replicates, seed)
    one, other = scores(first.sums), scores(second.sums)
    ones, others = scores(_samples(first, drawn)), scores(_samples(second, drawn))
    found = {}
    for name in one.keys() & other.keys():
        difference = paired(one[name], other[name], (ones[name], others[name]))
        if difference is not None:  # defined for both
            found[name] = difference
    return found


def check_pairs(first: Cohort, second: Cohort) -> None:
    """Refuse to compare what was not measured on the same cases.

    Raises:
        DataError: The cases, their groups or their truth are not the same.
    """
    if first.ids != second.ids:
        odd = sorted({*first.ids} ^ {*second.ids}) or list(first.ids)
        raise DataError(f"the two were not scored on the same images, such as {odd[0]!r}: score both on one dataset")
    truths = [cohort.cases["pixels"][..., [0, 2]].sum(-1) for cohort in (first, second)]
    if truths[0].shape != truths[1].shape:
        raise DataError("the two were not scored on as many classes: compare runs of the same classes")
    other = (truths[0] != truths[1]).any(-1).tolist()
    for index, id in enumerate(first.ids):
        if other[index] or first.groups[index] != second.groups[index]:
            raise DataError(f"the mask or the group of {id!r} is not the same for the two: score both on one dataset")


def _samples(cohort: Cohort, drawn: Tensor) -> dict[str, Tensor]:
    """The sums over the cases of each sample, (replicates, ...)."""
    return {name: torch.tensordot(drawn, part, dims=1) for name, part in cohort.sums_by_unit().items()}
