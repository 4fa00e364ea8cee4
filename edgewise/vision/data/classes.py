"""Which classes the masks of a set hold: counted over all of them, and compared with what is to be learnt."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgewise._ground.errors import DataError
from edgewise.vision.data.coding import VOID
from edgewise.vision.data.sample import Sample


@dataclass(frozen=True)
class ClassCount:
    """A class in the masks of a set.

    Attributes:
        label: Its number; 255 for what is void.
        title: What a reader calls it.
        pixels: Pixels that have it.
        samples: Samples in whose masks it is.
        example: The sample that has most of it.
        file: Its mask.
    """

    label: int
    title: str
    pixels: int
    samples: int
    example: str
    file: Path | None = None


def count_classes(samples: Iterable[Sample], names: Sequence[str] = ()) -> list[ClassCount]:
    """The classes in these samples' masks, by their numbers.

    Args:
        samples: The samples.
        names: Of the classes, the background first, where they are known.

    Raises:
        DataError: A mask is missing or broken, or has a value that its rule does not know.
    """
    samples = list(samples)
    return classes_of(samples, [counts_in(sample.read_classes()) for sample in samples], names)


def counts_in(classes: np.ndarray) -> np.ndarray:
    """How many pixels each class has, 0 to 255."""
    return np.bincount(classes.ravel(), minlength=VOID + 1)


def classes_of(samples: Sequence[Sample], found: Sequence[np.ndarray], names: Sequence[str] = ()) -> list[ClassCount]:
    """:func:`count_classes` of samples whose masks were read.

    Args:
        samples: The samples.
        found: The :func:`counts_in` of the mask of each.
        names: As there.
    """
    counts = np.array(found)
    coding = samples[0].coding if samples else None
    return [
        ClassCount(
            label,
            "void"
            if label == VOID
            else " ".join([coding.title(label) if coding else str(label), *names[label : label + 1]]),
            int(counts[:, label].sum()),
            int((counts[:, label] > 0).sum()),
            samples[int(counts[:, label].argmax())].id,
            samples[int(counts[:, label].argmax())].masks[0],
        )
        for label in (np.flatnonzero(counts.sum(0)).tolist() if samples else [])
    ]


def check_classes(counts: Iterable[ClassCount], classes: int, name: str, how: str) -> None:
    """Refuse masks whose classes are not those to be learnt.

    Args:
        counts: What :func:`count_classes` found in the whole set.
        classes: 1 for one foreground, or the number of exclusive classes, background included.
        name: The dataset's name.
        how: How its masks are read.

    Raises:
        DataError: A label is beyond the classes, or a class is in no mask.
    """
    there = {count.label: count for count in counts if count.label != VOID}
    last = max(there, default=0)
    if last >= max(classes, 2):
        raise DataError(
            f"masks of {name!r} hold class {last} (as in {there[last].file}) and data.classes is {classes}: set "
            f"data.classes to {last + 1}, or mask_values='binary' where all that is not 0 is one foreground (they are read "
            f"as {how})"
        )
    if absent := [str(label) for label in range(max(classes, 2)) if label not in there]:
        raise DataError(
            f"no mask of {name!r} holds class {', '.join(absent)} and data.classes is {classes}: set data.classes to the "
            f"classes that there are, or mask_values to what the masks hold (they are read as {how})"
        )
