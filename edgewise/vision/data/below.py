"""What is below a folder, as a person sees it."""

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from edgewise._ground.errors import DataError

FOREIGN = "__MACOSX"
"""What an archive made on a Mac holds beside the files themselves."""


def composed(name: str) -> str:
    """A name with each accented letter as one character: some systems write two, which look the same.

    Example:
        >>> len("a\\u0308"), len(composed("a\\u0308"))
        (2, 1)
    """
    return unicodedata.normalize("NFC", name)


def visible(folder: Path, above: tuple[str, ...] = ()) -> Iterator[tuple[Path, list[str]]]:
    """The folder and all below it, each with the names of its files; without what is hidden.

    Links to folders are followed, but not to one that the link itself is in.

    Args:
        folder: Where to begin.
        above: The folders that it is in, as the system knows them.

    Raises:
        DataError: A folder cannot be read.
    """
    if (real := os.path.realpath(folder)) in above:
        return
    try:
        entries = sorted((entry.name, entry.is_dir()) for entry in os.scandir(folder) if not entry.name.startswith("."))
    except OSError as error:
        raise DataError(
            f"{error.filename} cannot be read ({error.strerror}): give it the rights, or leave it out"
        ) from error
    yield folder, [name for name, is_folder in entries if not is_folder]
    for name, is_folder in entries:
        if is_folder and name != FOREIGN:
            yield from visible(folder / name, (*above, real))


def files_below(folder: Path) -> list[Path]:
    """All files of :func:`visible`, in order.

    Raises:
        DataError: A folder cannot be read.
    """
    return sorted(place / name for place, names in visible(folder) for name in names)
