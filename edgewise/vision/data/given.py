"""The sides of a split as a file gives them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgewise._ground.errors import DataError, warn
from edgewise.vision.data.below import composed
from edgewise.vision.data.classification import TEST, TRAIN, VALIDATION, ClassificationSet
from edgewise.vision.data.layouts import SIDES
from edgewise.vision.data.pairs import read_pairs
from edgewise.vision.data.sample import Sample

PLACES = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
FORM = 'give {"train": ["a", "b"], "val": ["c"], "test": ["d"]}, {"a": "train", ...}, or lines of a CSV file: a,train'


def with_sides(samples: Sequence[Sample], split: str, root: Path) -> tuple[Sample, ...]:
    """The samples that a file names, each with the side it gives; what it does not name is left out with a warning.

    Args:
        samples: All samples; each is named by its id, or by its picture with or without extension.
        split: A JSON file of the names on each side or of the side of each name, or a CSV file of names and sides, in the
            dataset's folder or elsewhere.
        root: The dataset's folder.

    Raises:
        DataError: The file is missing or of another form, names what is not there or what several samples are called, or
            puts a sample on two sides.

    Warns:
        EdgewiseWarning: Samples are on no side.
    """
    found = _sides_of([(s.id, s.image.name, s.image.stem) for s in samples], split, root)
    return tuple(replace(samples[number], side=side) for number, side in found.items())


def labelled_by_file(dataset: ClassificationSet, split: str, root: Path) -> ClassificationSet:
    """The same of pictures with classes, named by their ids with or without extension, or by their files' names.

    Raises:
        DataError: As :func:`with_sides`; or no picture is on the training side, or none beside it.
    """
    ids = [dataset.id(number) for number in range(len(dataset))]
    names = [(id, *dict.fromkeys((str(Path(id).with_suffix("")), Path(id).name, Path(id).stem))) for id in ids]
    found = _sides_of(names, split, root)
    if "train" not in found.values() or len(set(found.values())) < 2:
        raise DataError(f"{split} puts pictures on {', '.join(sorted(set(found.values())))} alone: give train and another")
    sides = np.array([PLACES[side] for side in found.values()], np.uint8)
    if not (sides == TEST).any():  # as folders without a test side are read
        sides[sides == VALIDATION] = TEST
    return replace(dataset.take(np.array(list(found), np.int64)), sides=sides)


def _sides_of(names: Sequence[tuple[str, ...]], split: str, root: Path) -> dict[int, str]:
    """The side of each picture by its number, of those that a file names.

    Args:
        names: What each picture may be called, its id first.
        split: The file.
        root: The dataset's folder.
    """
    path = next((path for path in (root / split, Path(split)) if path.is_file()), None)
    if path is None:
        raise DataError(f"split_file={split!r} is no file in {root} nor in the working folder; give the file's path")
    table = _table(path) if path.suffix.lower() == ".csv" else _json(path)
    called: dict[str, list[int]] = {}
    for number, mine in enumerate(names):
        for name in dict.fromkeys(map(composed, mine)):
            called.setdefault(name, []).append(number)
    called |= {composed(mine[0]): [number] for number, mine in enumerate(names)}  # ids win
    if strangers := [name for name in table if name not in called]:
        raise DataError(
            f"{path} names {len(strangers)} pictures that are not in {root}, the first is {strangers[0]!r}: correct its "
            f"name there (pictures are named as {names[0][0]!r}), or bring the picture back"
        )
    sides: dict[int, str] = {}
    for name, side in table.items():
        first, *others = called[name]
        if others:
            raise DataError(
                f"{path} says {name!r}, which may be {names[first][0]!r} or {names[others[0]][0]!r}: name them so there"
            )
        if sides.setdefault(first, side) != side:
            raise DataError(f"{path} puts {name!r} on two sides, {sides[first]} and {side}: keep one of them")
    if left := [mine[0] for number, mine in enumerate(names) if number not in sides]:
        warn(f"{len(left)} of {len(names)} pictures are on no side of {path} and left out, such as {left[0]!r}")
    return dict(sorted(sides.items()))


def _table(path: Path) -> dict[str, str]:
    first, *rest = read_pairs(path, "a name and its side") or [("", "")]
    return _checked(path, [first, *rest] if first[1].lower() in SIDES else rest)


def _json(path: Path) -> dict[str, str]:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is not readable JSON ({error}); {FORM}") from error
    if not isinstance(content, Mapping) or not content:
        raise DataError(f"{path} holds no object of sides; {FORM}")
    if all(isinstance(side, str) for side in content.values()):
        return _checked(path, list(content.items()))
    if not all(isinstance(names, list) and all(isinstance(n, str) for n in names) for names in content.values()):
        raise DataError(f"{path} holds neither names on each side nor a side for each name; {FORM}")
    return _checked(path, [(name, side) for side, names in content.items() for name in names])


def _checked(path: Path, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, given in pairs:
        side = SIDES.get(given.lower())
        if side is None:
            raise DataError(f"{path} has the side {given!r} and sides are train, val and test; {FORM}")
        if found.setdefault(composed(name), side) != side:
            raise DataError(f"{path} puts {name!r} on two sides, {found[name]} and {side}: keep one of them")
    return found
