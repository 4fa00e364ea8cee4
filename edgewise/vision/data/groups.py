"""What pictures belong together, and must stay on one side of a split: the patients or videos of one's own data."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data.below import composed
from edgewise.vision.data.pairs import read_pairs
from edgewise.vision.data.sample import Sample


def with_groups(samples: Sequence[Sample], groups: str, root: Path) -> tuple[Sample, ...]:
    """The samples, each with its group; see :func:`groups_of`.

    Raises:
        ConfigError: The pattern is none, or has no group.
        DataError: The file is missing, or a picture has no group.
    """
    found = groups_of([(sample.id, sample.image) for sample in samples], groups, root)
    return tuple(replace(sample, group=group) for sample, group in zip(samples, found, strict=True))


def groups_of(pictures: Sequence[tuple[str, Path]], groups: str, root: Path) -> list[str]:
    """The group of each picture.

    Args:
        pictures: The id and the file of each.
        groups: A pattern that the stem of each file fits, whose first group is the group, such as ``(.*)_\\d+``; one with a
            slash is for the ids without extension. Or a CSV file, in the dataset's folder or elsewhere, whose first column
            names the picture, by its id or its file's name, with or without extension, and whose second one its group.
        root: The dataset's folder.

    Raises:
        ConfigError: The pattern is none, or has no group.
        DataError: The file is missing or no such table, a picture has no group or two, or a name in the table is that of
            several pictures.

    Example:
        >>> groups_of([("cat/tom_1.jpg", Path("cat/tom_1.jpg"))], r"(.*)_\\d+", Path())
        ['tom']
    """
    if not groups.lower().endswith(".csv"):
        of = _pattern(groups)
        return [of(id.removesuffix(file.suffix) if "/" in groups else file.stem) for id, file in pictures]
    return _by_table(pictures, *_table(groups, root))


def leaks(
    train: Sequence[str | None], validation: Sequence[str | None], test: Sequence[str | None]
) -> dict[str, tuple[int, int]]:
    """Of the test and of the validation side: how many pictures have others of their group on a side before.

    Args:
        train: The group of each picture on that side; None where it is unknown, and the picture is left out.
        validation: Likewise.
        test: Likewise.

    Returns:
        Counts, and of how many pictures of known group. The sides before are training, and for the test also validation.

    Example:
        >>> leaks(["ann", "bob"], ["bob"], ["cy", "ann", None])
        {'test': (1, 2), 'validation': (1, 1)}
    """
    learned, chosen, tested = ([group for group in side if group is not None] for side in (train, validation, test))
    seen = {"test": (tested, {*learned, *chosen}), "validation": (chosen, {*learned})}
    return {name: (sum(group in before for group in side), len(side)) for name, (side, before) in seen.items()}


def leak_note(found: Mapping[str, tuple[int, int]]) -> str:
    """A sentence on :func:`leaks`; empty where there is none."""
    parts = [f"{again} of {count} {name} images" for name, (again, count) in found.items() if again]
    how = "share their group (a patient, a video) with images that were trained or chosen on, which flatters the scores."
    return f"{' and '.join(parts)} {how}" if parts else ""


def _pattern(groups: str) -> Callable[[str], str]:
    """From a name to its group."""
    try:
        pattern = re.compile(groups)
    except re.error as error:
        raise ConfigError(
            f"groups={groups!r} is no pattern ({error}); give one such as '(.*)_\\d+', or a CSV file"
        ) from error
    if not pattern.groups:
        raise ConfigError(f"groups={groups!r} has no part in parentheses; put them around what names the patient or video")

    def of(name: str) -> str:
        found = pattern.fullmatch(name)
        if found is None or found[1] is None:
            raise DataError(
                f"the name {name!r} does not fit groups={groups!r}; give a pattern that every name fits as a whole"
            )
        return found[1]

    return of


def _table(groups: str, root: Path) -> tuple[Path, dict[str, str]]:
    """Where the table is, and the group of each name in it."""
    path = next((path for path in (root / groups, Path(groups)) if path.is_file()), None)
    if path is None:
        raise DataError(f"groups={groups!r} is no file in {root} nor in the working folder; give the table's path")
    found: dict[str, str] = {}
    for name, group in read_pairs(path, "the picture's name and its group"):
        if found.setdefault(name, group) != group:
            raise DataError(f"{path} puts {name!r} in two groups, {found[name]} and {group}: keep one of them")
    return path, found


def _by_table(pictures: Sequence[tuple[str, Path]], path: Path, table: Mapping[str, str]) -> list[str]:
    found, files = [], dict[str, Path]()
    for id, file in pictures:
        names = tuple(map(composed, (id, id.removesuffix(file.suffix), file.name, file.stem)))
        name = next((name for name in names if table.get(name)), None)
        if name is None:
            raise DataError(f"{path} has no group for {id!r}; add a line for it")
        if files.setdefault(name, file) != file:
            raise DataError(f"{path} says {name!r}, which may be {files[name]} or {file}: name them there as {id!r}")
        found.append(table[name])
    return found
