"""The pictures of a run: on which side of the split each is, and a digest by which a changed one is known."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgewise._ground.errors import DataError, warn
from edgewise.vision.data.classification import ClassificationSet, ClassificationSplit
from edgewise.vision.data.dataset import SegmentationSet, Split
from edgewise.vision.data.pictures import FilePictures

SIDES = ("train", "validation", "test")
UNUSED = "unused"
"""What is on no side: copies of a picture of another side, and what a split leaves out."""
READERS = 8


@dataclass(frozen=True)
class Inventory:
    """All pictures of a dataset when a run was started.

    Attributes:
        sides: The digest of each picture by its id, for each of ``train``, ``validation``, ``test`` and ``unused``.

    Example:
        >>> noted = Inventory({"train": {"a": "1"}, "validation": {"b": "2"}, "test": {"c": "3"}, "unused": {}})
        >>> noted.check({"a": "1", "b": "2", "c": "3"}, "toy")
        >>> noted.check({"a": "1", "c": "3"}, "toy")
        Traceback (most recent call last):
        edgewise.DataError: dataset 'toy' is not as it was when the run was started, 1 of 3 pictures is missing, 0 are ...
    """

    sides: Mapping[str, Mapping[str, str]]

    @classmethod
    def from_dict(cls, values: Any) -> "Inventory":
        """What :meth:`to_dict` gave.

        Raises:
            DataError: It is something else.
        """
        wanted = {*SIDES, UNUSED}
        if not isinstance(values, dict) or values.keys() != wanted or not all(isinstance(v, dict) for v in values.values()):
            raise DataError("a run's list of pictures is not edgewise's: restore it from a copy")
        return cls(values)

    def to_dict(self) -> dict[str, dict[str, str]]:
        """The same in plain JSON values."""
        return {side: dict(digests) for side, digests in self.sides.items()}

    def check(self, digests: Mapping[str, str], name: str) -> None:
        """Compare with the pictures that there are.

        Args:
            digests: The digest of each picture that there is, by its id.
            name: The dataset's name, for the error.

        Raises:
            DataError: A picture was deleted, added or changed; the first is named.
        """
        noted = {id: digest for side in self.sides.values() for id, digest in side.items()}
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

    def warn_of_learned(self, dataset: SegmentationSet | ClassificationSet) -> None:
        """Warn where pictures to be scored are among those that were learned from, or by which the best epoch was chosen.

        Warns:
            EdgewiseWarning: Some are; it says how many, and names the first.
        """
        learned = {digest for side in ("train", "validation") for digest in self.sides[side].values()}
        again = [id for id, digest in digests_of(dataset).items() if digest in learned]
        if again:
            warn(
                f"{len(again)} of {len(dataset)} pictures of dataset {dataset.name!r} are on the training or validation "
                f"side of the run, the first is {again[0]!r}: scores on them do not tell how it does on new pictures"
            )


def take_stock(
    dataset: SegmentationSet | ClassificationSet, sides: Split | ClassificationSplit, found: Mapping[str, str] | None = None
) -> Inventory:
    """Note which pictures of a dataset are on which side.

    Args:
        dataset: All of it.
        sides: Its division.
        found: What :func:`digests_of` gave of it, where that is known.
    """
    digests = digests_of(dataset) if found is None else found
    listed = {side: {id: digests[id] for id in _names(getattr(sides, side))} for side in SIDES}
    used = {id for side in listed.values() for id in side}
    return Inventory({**listed, UNUSED: {id: digest for id, digest in digests.items() if id not in used}})


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
    index = {id: number for number, id in enumerate(_names(dataset))}
    parts = ([index[id] for id in inventory.sides[side]] for side in SIDES)
    train, validation, test = (dataset.take(np.array(part, np.int64)) for part in parts)
    return ClassificationSplit(train, validation, test)


def digests_of(dataset: SegmentationSet | ClassificationSet) -> dict[str, str]:
    """A digest of each picture, with its masks or its class, by its id: of the bytes of files, of pixels in memory.

    Raises:
        DataError: A file cannot be read.
    """
    if isinstance(dataset, SegmentationSet):
        files = _of_files({path for sample in dataset for path in sample.files})
        parts = ([*(files[path] for path in s.files), str(s.page)] for s in dataset)
    else:
        classes = (dataset.classes[label] for label in dataset.labels.tolist())
        parts = ([digest, name] for digest, name in zip(_of_pictures(dataset), classes, strict=True))
    return {id: _hash("\0".join(part).encode()) for id, part in zip(_names(dataset), parts, strict=True)}


def _names(dataset: SegmentationSet | ClassificationSet) -> Iterator[str]:
    """The ids; of pictures with classes some may be the same, and get a number."""
    if isinstance(dataset, SegmentationSet):
        yield from dataset.ids
        return
    often: dict[str, int] = {}
    for number in range(len(dataset)):
        name = dataset.id(number)
        often[name] = often.get(name, 0) + 1
        yield name if often[name] == 1 else f"{name} ({often[name]})"


def _of_pictures(dataset: ClassificationSet) -> Iterable[str]:
    pictures = dataset.pictures
    if isinstance(pictures, FilePictures):
        files = _of_files(set(pictures.paths))
        return [files[path] for path in pictures.paths]
    return (_of_pixels(pictures[number]) for number in range(len(pictures)))


def _of_pixels(pixels: np.ndarray) -> str:
    return _hash(f"{pixels.shape}".encode(), np.ascontiguousarray(pixels).data)


def _of_files(paths: set[Path]) -> dict[Path, str]:
    order = sorted(paths)
    with ThreadPoolExecutor(READERS) as pool:
        return dict(zip(order, pool.map(_of_file, order), strict=True))


def _of_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, _new).hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); bring it back") from error


def _hash(*parts: bytes | memoryview) -> str:
    digest = _new()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _new() -> Any:
    return hashlib.blake2b(digest_size=8)
