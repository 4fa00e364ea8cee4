"""The pictures of a run: on which side of the split each is, and digests by which it is known again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgewise._ground.errors import DataError, warn
from edgewise.vision.data.classification import ClassificationSet, ClassificationSplit
from edgewise.vision.data.dataset import SegmentationSet, Split
from edgewise.vision.data.digests import digests_of, names_of, pixel_digests_of

SIDES = ("train", "validation", "test")
UNUSED = "unused"
"""What is on no side: copies of a picture of another side, and what a split leaves out."""
PIXELS = "pixels"


@dataclass(frozen=True)
class Inventory:
    """All pictures of a dataset when a run was started.

    Attributes:
        sides: The digest of each picture, with its masks or its class, by its id, for each of ``train``, ``validation``,
            ``test`` and ``unused``: by it a set is known to be as it was.
        pixels: The digest of the pixels alone, by id, of those on a side: by it a picture is known in another set.

    Example:
        >>> noted = Inventory({"train": {"a": "1"}, "validation": {"b": "2"}, "test": {"c": "3"}, "unused": {}})
        >>> noted.check({"a": "1", "b": "2", "c": "3"}, "toy")
        >>> noted.check({"a": "1", "c": "3"}, "toy")
        Traceback (most recent call last):
        edgewise.DataError: dataset 'toy' is not as it was when the run was started, 1 of 3 pictures is missing, 0 are ...
    """

    sides: Mapping[str, Mapping[str, str]]
    pixels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, values: Any) -> "Inventory":
        """What :meth:`to_dict` gave.

        Raises:
            DataError: It is something else.
        """
        wanted = {*SIDES, UNUSED, PIXELS}
        if not isinstance(values, dict) or values.keys() != wanted or not all(isinstance(v, dict) for v in values.values()):
            raise DataError("a run's list of pictures is not edgewise's: restore it from a copy")
        return cls({side: values[side] for side in (*SIDES, UNUSED)}, values[PIXELS])

    def to_dict(self) -> dict[str, dict[str, str]]:
        """The same in plain JSON values."""
        return {**{side: dict(digests) for side, digests in self.sides.items()}, PIXELS: dict(self.pixels)}

    @property
    def digests(self) -> dict[str, str]:
        """The digest of each picture by its id, whatever its side."""
        return {id: digest for side in self.sides.values() for id, digest in side.items()}

    def divided(self, train: Iterable[str], validation: Iterable[str], test: Iterable[str]) -> "Inventory":
        """The same pictures on other sides.

        Args:
            train: The ids of those to learn from.
            validation: Of those to choose the best epoch on.
            test: Of those to report on; all others are unused.

        Example:
            >>> noted = Inventory({"train": {"a": "1"}, "validation": {"b": "2"}, "test": {"c": "3"}, "unused": {}})
            >>> noted.divided(["c"], ["a"], ()).sides
            {'train': {'c': '3'}, 'validation': {'a': '1'}, 'test': {}, 'unused': {'b': '2'}}
        """
        digests = self.digests
        listed = {side: {id: digests[id] for id in ids} for side, ids in zip(SIDES, (train, validation, test), strict=True)}
        used = {id for side in listed.values() for id in side}
        return Inventory({**listed, UNUSED: {id: digest for id, digest in digests.items() if id not in used}}, self.pixels)

    def check(self, digests: Mapping[str, str], name: str) -> None:
        """Compare with the pictures that there are.

        Args:
            digests: The digest of each picture that there is, by its id.
            name: The dataset's name, for the error.

        Raises:
            DataError: A picture was deleted, added or changed; the first is named.
        """
        noted = self.digests
        gone, new = sorted(noted.keys() - digests.keys()), sorted(digests.keys() - noted.keys())
        changed = sorted(id for id in noted.keys() & digests.keys() if noted[id] != digests[id])
        if not (gone or new or changed):
            return
        first = min((*gone, *new, *changed))
        state = "missing" if first in gone else "new" if first in new else "changed"
        side = next((f" on the {side} side" for side in SIDES if first in self.sides[side]), "")
        raise DataError(
            f"dataset {name!r} is not as it was when the run was started, {len(gone)} of {len(noted)} pictures "
            f"{'is' if len(gone) == 1 else 'are'} missing, {len(new)} are new and {len(changed)} changed, the first is "
            f"{first!r}{side} ({state}): bring the pictures back as they were, or train a new run on these"
        )

    def copies(self) -> list[tuple[tuple[str, str], tuple[str, str]]]:
        """Pictures of the validation and the test side that are on a side before, whatever their masks or classes.

        Returns:
            Of each the side and the id, and before it those of the picture that it is a copy of.
        """
        first: dict[str, tuple[str, str]] = {}
        found = []
        for side in SIDES:
            for id in self.sides[side]:
                before = first.setdefault(self.pixels[id], (side, id))
                if before[0] != side:
                    found.append((before, (side, id)))
        return found

    def warn_of_copies(self, name: str) -> None:
        """Warn of :meth:`copies`.

        Args:
            name: The dataset's name.

        Warns:
            EdgewiseWarning: There are some; it says how many, and names the first.
        """
        if found := self.copies():
            (one, first), (other, second) = found[0]
            warn(
                f"{len(found)} pictures of dataset {name!r} are on two sides of the split, the first is {second!r} "
                f"({other}), which is {first!r} ({one}): leave one of each out, since scores on them do not tell how it "
                "does on new pictures"
            )

    def warn_of_learned(self, dataset: SegmentationSet | ClassificationSet) -> None:
        """Warn where pictures to be scored are among those that were learned from, or by which the best epoch was chosen.

        A picture is known by its pixels, whoever drew its masks or named its class.

        Warns:
            EdgewiseWarning: Some are; it says how many, and names the first.
        """
        learned = {self.pixels[id] for side in ("train", "validation") for id in self.sides[side]}
        again = [id for id, digest in pixel_digests_of(dataset).items() if digest in learned]
        if again:
            warn(
                f"{len(again)} of {len(dataset)} pictures of dataset {dataset.name!r} are on the training or validation "
                f"side of the run, the first is {again[0]!r}: scores on them do not tell how it does on new pictures"
            )


def take_stock(dataset: SegmentationSet | ClassificationSet, sides: Split | ClassificationSplit) -> Inventory:
    """Note which pictures of a dataset are on which side.

    Args:
        dataset: All of it.
        sides: Its division.

    Raises:
        DataError: A file cannot be read.
    """
    pixels = {id: digest for side in SIDES for id, digest in pixel_digests_of(getattr(sides, side)).items()}
    return Inventory({UNUSED: digests_of(dataset)}, pixels).divided(*(names_of(getattr(sides, side)) for side in SIDES))


def masked_sides(dataset: SegmentationSet, inventory: Inventory) -> Split:
    """The sides of a dataset as they were noted, whatever its own division would be now.

    Raises:
        DataError: Its pictures are not those that were noted.
    """
    inventory.check(digests_of(dataset), dataset.name)
    train, validation, test = (dataset.subset(inventory.sides[side]) for side in SIDES)
    return Split(train, validation, test)


def labelled_sides(dataset: ClassificationSet, inventory: Inventory) -> ClassificationSplit:
    """The same for pictures with classes.

    Raises:
        DataError: Its pictures are not those that were noted.
    """
    inventory.check(digests_of(dataset), dataset.name)
    index = {id: number for number, id in enumerate(names_of(dataset))}
    parts = ([index[id] for id in inventory.sides[side]] for side in SIDES)
    train, validation, test = (dataset.take(np.array(part, np.int64)) for part in parts)
    return ClassificationSplit(train, validation, test)
