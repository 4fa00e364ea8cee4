"""The sides of a split as a file gives them."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgewise._ground.errors import DataError, warn
from edgewise.vision.data.layouts import SIDES
from edgewise.vision.data.sample import Sample

FORM = 'give {"train": ["a", "b"], "val": ["c"], "test": ["d"]}, {"a": "train", ...}, or lines of a CSV file: a,train'


def with_sides(samples: Sequence[Sample], split: str, root: Path) -> tuple[Sample, ...]:
    """The samples that a file names, each with the side it gives; what it does not name is left out with a warning.

    Args:
        samples: All samples; each is named by its id, or by its picture with or without extension.
        split: A JSON file of the names on each side or of the side of each name, or a CSV file of names and sides, in the
            dataset's folder or elsewhere.
        root: The dataset's folder.

    Raises:
        DataError: The file is missing or of another form, names what is not there, or puts a sample on two sides.

    Warns:
        EdgewiseWarning: Samples are on no side.
    """
    path = next((path for path in (root / split, Path(split)) if path.is_file()), None)
    if path is None:
        raise DataError(f"split_file={split!r} is no file in {root} nor in the working folder; give the file's path")
    table = _table(path) if path.suffix.lower() == ".csv" else _json(path)
    known: dict[str, Sample] = {}
    for names in zip(*((s.image.stem, s.image.name, s.id) for s in samples), strict=True):
        known |= dict(zip(names, samples, strict=True))  # ids come last, and win
    strangers = [name for name in table if name not in known]
    if strangers:
        raise DataError(
            f"{path} names {len(strangers)} pictures that are not in {root}, the first is {strangers[0]!r}: correct its "
            f"name there (pictures are named as {samples[0].id!r}), or bring the picture back"
        )
    sides: dict[str, str] = {}
    for name, side in table.items():
        if sides.setdefault(known[name].id, side) != side:
            raise DataError(f"{path} puts {name!r} on two sides, {sides[known[name].id]} and {side}: keep one of them")
    left = [sample.id for sample in samples if sample.id not in sides]
    if left:
        warn(f"{len(left)} of {len(samples)} pictures are on no side of {path} and left out, such as {left[0]!r}")
    return tuple(replace(sample, side=sides[sample.id]) for sample in samples if sample.id in sides)


def _table(path: Path) -> dict[str, str]:
    with path.open(newline="", encoding="utf-8-sig") as lines:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, skipinitialspace=True) if row]
    if short := [row for row in rows if len(row) < 2]:
        raise DataError(f"{path} has the line {short[0]} and needs two columns, a name and its side; {FORM}")
    head = 1 if rows and rows[0][1].lower() not in SIDES else 0
    return _checked(path, [(row[0], row[1]) for row in rows[head:]])


def _json(path: Path) -> dict[str, str]:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
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
        if found.setdefault(name, side) != side:
            raise DataError(f"{path} puts {name!r} on two sides, {found[name]} and {side}: keep one of them")
    return found
