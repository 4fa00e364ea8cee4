"""What pictures belong together, and must stay on one side of a split: the patients or videos of one's own data."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data.sample import Sample


def with_groups(samples: Sequence[Sample], groups: str, root: Path) -> tuple[Sample, ...]:
    """The samples, each with its group.

    Args:
        samples: The samples; what names them is the stem of their picture.
        groups: A pattern whose first group is the group, such as ``(.*)_\\d+``; or a CSV file, in the dataset's folder or
            elsewhere, whose first column names the picture and whose second one its group.
        root: The dataset's folder.

    Raises:
        ConfigError: The pattern is none, or has no group.
        DataError: The file is missing, or a picture has no group.
    """
    of = _table(groups, root) if groups.lower().endswith(".csv") else _pattern(groups)
    return tuple(replace(sample, group=of(sample)) for sample in samples)


def _pattern(groups: str) -> Callable[[Sample], str]:
    try:
        pattern = re.compile(groups)
    except re.error as error:
        raise ConfigError(
            f"groups={groups!r} is no pattern ({error}); give one such as '(.*)_\\d+', or a CSV file"
        ) from error
    if not pattern.groups:
        raise ConfigError(f"groups={groups!r} has no part in parentheses; put them around what names the patient or video")

    def of(sample: Sample) -> str:
        found = pattern.fullmatch(sample.image.stem)
        if found is None or found[1] is None:
            raise DataError(f"the name {sample.image.stem!r} does not fit groups={groups!r}; give a pattern for all names")
        return found[1]

    return of


def _table(groups: str, root: Path) -> Callable[[Sample], str]:
    path = next((path for path in (root / groups, Path(groups)) if path.is_file()), None)
    if path is None:
        raise DataError(f"groups={groups!r} is no file in {root} nor in the working folder; give the table's path")
    with path.open(newline="", encoding="utf-8-sig") as lines:
        rows = [row for row in csv.reader(lines, skipinitialspace=True) if row]
    if short := [row for row in rows if len(row) < 2]:
        raise DataError(f"{path} has the line {short[0]} and needs two columns: the picture's name and its group")
    table = {row[0].strip(): row[1].strip() for row in rows}

    def of(sample: Sample) -> str:
        found = next((table[name] for name in (sample.id, sample.image.name, sample.image.stem) if table.get(name)), None)
        if found is None:
            raise DataError(f"{path} has no group for {sample.id!r}; add a line for it")
        return found

    return of
