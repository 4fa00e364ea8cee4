"""All pictures but the test side in folds: groups, and pictures of the same thing, stay together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgewise._ground.errors import DataError
from edgewise._ground.optional import require
from edgewise.vision.data import SegmentationSet, Split
from edgewise.vision.data.duplicates import find_duplicates
from edgewise.vision.data.sample import Sample
from edgewise.vision.data.splits import divide, draw_groups
from edgewise.vision.segmentation.sampling import classes_in

VALIDATION = 0.1
"""Part of a member's pictures on which its best epoch is chosen."""


@dataclass(frozen=True)
class Folds:
    """A set in folds.

    Attributes:
        members: For each fold what is learned from, what the best epoch is chosen on, and as test side the fold itself.
        test: What no member sees.
    """

    members: tuple[Split, ...]
    test: SegmentationSet


def divide_in_folds(dataset: SegmentationSet, split: Split, count: int, seed: int) -> Folds:
    """Divide the training and the validation side of a split in folds.

    Each class is in as equal a part of the pictures of each fold as groups allow (scikit-learn's StratifiedGroupKFold, by
    the rarest class in a picture). The best epoch of a member is chosen on a tenth of the other folds, so that its own fold
    has no part in it.

    Args:
        dataset: All of it.
        split: Its sides; the test side is left as it is.
        count: How many folds.
        seed: Of the draws.

    Raises:
        DataError: There are fewer groups than folds and one, or a mask cannot be read.
    """
    samples = [*split.train, *split.validation]
    groups = joined_groups(samples)
    if len(groups) < count + 1:
        what = "pictures" if len(groups) == len(samples) else "groups (patients, videos, or copies of a picture)"
        raise DataError(
            f"{count} folds need {count + 1} {what} beside the test side and dataset {dataset.name!r} has {len(groups)}: "
            "ask for fewer folds"
        )
    place = {id: number for number, ids in enumerate(groups.values()) for id in ids}
    folds = require("sklearn.model_selection", extra="data").StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    labels, keys = _strata(classes_in(samples), count), [place[sample.id] for sample in samples]
    members = []
    for number, (_, held) in enumerate(folds.split(np.zeros(len(samples)), labels, keys)):
        fold = {samples[index].id for index in held}
        rest = {name: ids for name, ids in groups.items() if not fold & set(ids)}
        left = sum(map(len, rest.values()))
        kept, chosen = draw_groups(dataset, rest, sorted(rest), seed + number, VALIDATION * left)
        train, validation = ([id for name in names for id in rest[name]] for names in (kept, chosen))
        members.append(divide(dataset, train, validation, fold))
    return Folds(tuple(members), split.test)


def joined_groups(samples: Sequence[Sample]) -> dict[str, list[str]]:
    """The ids of samples that must stay together: of one group, or of pictures that are the same, by a name.

    Raises:
        DataError: A picture cannot be read.
    """
    name = {sample.id: f"case {sample.id}" if sample.group is None else f"group {sample.group}" for sample in samples}
    for pair in find_duplicates(samples):
        one, other = sorted((name[pair.first], name[pair.second]))
        name = {id: one if known == other else known for id, known in name.items()}
    groups: dict[str, list[str]] = {}
    for id, known in name.items():
        groups.setdefault(known, []).append(id)
    return groups


def _strata(classes: Sequence[set[int]], count: int) -> list[int]:
    """The rarest class of each picture, where at least one picture for each fold has it as such; else the commonest."""
    often: Mapping[int, int] = Counter(label for labels in classes for label in labels)
    rarest = [min(labels, key=lambda label: (often[label], label), default=0) for labels in classes]
    counts = Counter(rarest)
    (commonest, _), *_ = counts.most_common()
    return [label if counts[label] >= count else commonest for label in rarest]
