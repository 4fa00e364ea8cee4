"""Pictures with a class each, and their division into training, validation and test sets."""

from dataclasses import dataclass, field, replace

import numpy as np

from edgewise._ground.errors import DataError
from edgewise.vision.data.class_groups import draw_groups
from edgewise.vision.data.groups import leak_note, leaks
from edgewise.vision.data.pictures import Pictures

TRAIN, VALIDATION, TEST = range(3)


@dataclass(frozen=True, eq=False)
class ClassificationSet:
    """Pictures, the class of each, and the published sides where there are any.

    Attributes:
        name: Name of the dataset.
        pictures: The pictures.
        labels: The class of each, integers ``(N,)`` from 0.
        classes: Names of the classes.
        channels: Channels of its pictures (1 grey, 3 colour).
        sides: For each picture 0, 1 or 2 if it was published for training, validation or test; None: not divided.
        citation: Whom to cite, and the terms of use.
        groups: What each shares with others that must stay on its side of a split, such as a patient; None: not known.
    """

    name: str
    pictures: Pictures = field(repr=False)
    labels: np.ndarray = field(repr=False)
    classes: tuple[str, ...] = field(repr=False)
    channels: int = 3
    sides: np.ndarray | None = field(default=None, repr=False)
    citation: str = field(default="", repr=False)
    groups: tuple[str, ...] | None = field(default=None, repr=False)

    def __post_init__(self):
        labels = np.asarray(self.labels)
        if labels.dtype.kind not in "iu" or labels.ndim != 1:
            raise DataError(f"dataset {self.name!r} has {labels.dtype} labels of shape {labels.shape}: give integers (N,)")
        if len(labels) != len(self.pictures):
            raise DataError(
                f"dataset {self.name!r} has {len(self.pictures)} pictures and {len(labels)} labels: it is partial, "
                "fetch it again"
            )
        if self.groups is not None and len(self.groups) != len(labels):
            raise DataError(
                f"dataset {self.name!r} has {len(labels)} pictures and {len(self.groups)} groups: give one to each"
            )
        wrong = np.flatnonzero((labels < 0) | (labels >= len(self.classes)))
        if len(wrong):
            raise DataError(
                f"dataset {self.name!r} has the label {labels[wrong[0]]} at picture {self.pictures.name(int(wrong[0]))}, "
                f"and labels go from 0 to {len(self.classes) - 1} for {len(self.classes)} classes: mend the labels"
            )
        object.__setattr__(self, "labels", labels.astype(np.int64))

    def __len__(self) -> int:
        return len(self.labels)

    def id(self, index: int) -> str:
        """Name of a picture."""
        return self.pictures.name(index)

    def take(self, indices: np.ndarray) -> "ClassificationSet":
        """The pictures of these indices, in their order."""
        sides = None if self.sides is None else self.sides[indices]
        groups = None if self.groups is None else tuple(self.groups[index] for index in indices)
        return replace(self, pictures=self.pictures.take(indices), labels=self.labels[indices], sides=sides, groups=groups)

    def only(self, classes: tuple[str, ...]) -> "ClassificationSet":
        """The pictures of these classes, numbered from 0 in their order."""
        new = np.full(len(self.classes), -1)
        for number, name in enumerate(classes):
            new[self.classes.index(name)] = number
        kept = self.take(np.flatnonzero(new[self.labels] >= 0))
        return replace(kept, labels=new[kept.labels], classes=classes)

    def split(self, seed: int = 2981, validation: float = 0.1, test: float = 0.2) -> "ClassificationSplit":
        """Divide by the published sides; one that is missing is drawn, class by class, from the training side.

        Of each class, the given fraction, rounded, goes to the drawn side, at least one picture. Where groups are known,
        whole groups are drawn, :func:`edgewise.vision.data.class_groups.draw_groups`; published sides are kept as they are.

        Args:
            seed: Which of the random divisions.
            validation: Fraction of the training side to choose the best epoch on, where none is published.
            test: Fraction of all to report on, where none is published.

        Raises:
            DataError: A fraction is not between 0 and 1, or a class has too few pictures or groups to be on each side.
        """
        for name, fraction in (("validation", validation), ("test", test)):
            if not 0 < fraction < 1:
                raise DataError(f"the {name} fraction is {fraction} and must be between 0 and 1")
        sides = np.zeros(len(self), np.uint8) if self.sides is None else self.sides.copy()
        draw = np.random.default_rng(seed)
        for side, fraction in ((TEST, test), (VALIDATION, validation)):
            if not (sides == side).any():
                sides[self._draw(np.flatnonzero(sides == TRAIN), fraction, draw)] = side
        return ClassificationSplit(*(self.take(np.flatnonzero(sides == side)) for side in (TRAIN, VALIDATION, TEST)))

    def _draw(self, indices: np.ndarray, fraction: float, draw: np.random.Generator) -> np.ndarray:
        """That fraction of the indices, of every class alike."""
        if self.groups is not None:
            groups = [self.groups[index] for index in indices]
            return indices[draw_groups(self.name, self.labels[indices], groups, self.classes, fraction, draw)]
        drawn = []
        for number, name in enumerate(self.classes):
            members = indices[self.labels[indices] == number]
            count = max(1, round(fraction * len(members)))
            if not len(members):
                continue
            if len(members) <= count:
                raise DataError(
                    f"class {name!r} of {self.name!r} has {len(members)} pictures to divide: give it more, or take it out"
                )
            drawn.append(draw.permutation(members)[:count])
        return np.concatenate(drawn)


@dataclass(frozen=True, eq=False)
class ClassificationSplit:
    """The three sides of a classification dataset: to learn from, to choose the epoch on, to report."""

    train: ClassificationSet
    validation: ClassificationSet
    test: ClassificationSet

    def leaks(self) -> dict[str, tuple[int, int]]:
        """Of the test and of the validation side: how many pictures have others of their group on a side before.

        Counts, and of how many; see :func:`edgewise.vision.data.groups.leaks`.
        """
        return leaks(*(side.groups or () for side in (self.train, self.validation, self.test)))

    def leak_note(self) -> str:
        """A sentence on `leaks`; empty where there is none."""
        return leak_note(self.leaks())
