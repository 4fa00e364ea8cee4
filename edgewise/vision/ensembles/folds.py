"""All images but the test side in folds: groups, and images of the same thing, stay together."""

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from edgewise._ground.errors import DataError
from edgewise._ground.optional import require
from edgewise.vision.training.pool import Member

VALIDATION = 10
"""A member chooses its best epoch on one of so many parts of its images."""


class Fold(NamedTuple):
    """What the runs of a fold do with the images, by their ids."""

    train: list[str]
    """Learn from these,"""
    validation: list[str]
    """choose the best epoch on these,"""
    held: list[str]
    """and do not see these: the fold itself."""


def divide_in_folds(
    name: str, members: Sequence[Member], copies: Iterable[tuple[str, str]], count: int, seed: int
) -> list[Fold]:
    """Divide images in folds.

    Each stratum, such as a class, is in as equal a part of each fold as groups allow (scikit-learn's
    StratifiedGroupKFold). The best epoch is chosen on a tenth of the other folds, drawn likewise, so that the fold itself
    has no part in it.

    Args:
        name: The dataset's, for messages.
        members: The images.
        copies: Pairs of them that are the same, by their ids.
        count: How many folds.
        seed: Of the draws.

    Raises:
        DataError: There are fewer groups than folds and one, or one of them holds too many of the images.

    Example:
        >>> members = [Member(id, None, 0) for id in "abcdef"]
        >>> sorted(len(fold.held) for fold in divide_in_folds("toy", members, [("a", "d")], 3, 0))
        [2, 2, 2]
    """
    joined = join(members, copies)
    groups = len(np.unique(joined))
    least = max(count + 1, 4)  # each fold leaves two
    if groups < least:
        what = "images" if groups == len(members) else "groups (patients, videos, or copies of an image)"
        raise DataError(
            f"{count} folds need {least} {what} beside the test side and dataset {name!r} has {groups}: ask for fewer "
            "folds, or give more"
        )
    folds, strata = [], np.array([member.stratum for member in members])
    for number, held in enumerate(_parts(strata, joined, count, seed)):
        rest = np.setdiff1d(np.arange(len(members)), held)
        left = len(np.unique(joined[rest]))
        if not len(held) or left < 2:
            raise DataError(f"the groups of {name!r} are too unequal for {count} folds: ask for others or give more groups")
        chosen = rest[next(_parts(strata[rest], joined[rest], min(VALIDATION, left), seed + 1 + number))]
        sides = (np.setdiff1d(rest, chosen), chosen, held)
        folds.append(Fold(*([members[place].id for place in side] for side in sides)))
    return folds


def join(members: Sequence[Member], copies: Iterable[tuple[str, str]]) -> np.ndarray:
    """The number of what each image must stay with, (members,): its group, and the groups that copies make one with it.

    Example:
        >>> members = [Member("a", "ann", 0), Member("b", "bob", 0), Member("c", "ann", 0), Member("d", None, 0)]
        >>> join(members, copies=[("d", "b")]).tolist()
        [1, 0, 1, 0]
    """
    place = {member.id: number for number, member in enumerate(members)}
    keys = [("case", member.id) if member.group is None else ("group", member.group) for member in members]
    _, groups = np.unique([f"{kind} {key}" for kind, key in keys], return_inverse=True)
    pairs = np.array([(groups[place[one]], groups[place[other]]) for one, other in copies], np.int64).reshape(-1, 2)
    sparse = require("scipy.sparse", extra="data")
    size = int(groups.max(initial=-1)) + 1
    graph = sparse.coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    _, whole = sparse.csgraph.connected_components(graph, directed=False)
    return whole[groups]


def _parts(strata: np.ndarray, groups: np.ndarray, count: int, seed: int) -> Iterator[np.ndarray]:
    """The places of each of so many parts of images."""
    if Counter(strata.tolist()).most_common(1)[0][1] < count:
        strata = np.zeros_like(strata)  # no stratum has an image for each part
    folds = require("sklearn.model_selection", extra="data").StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)  # it is divided as well as can be
        yield from (held for _, held in folds.split(np.zeros(len(strata)), strata, groups))
