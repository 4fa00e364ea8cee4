"""The pictures to predict, in files and folders, and what to call what is made of each."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edgewise._ground.errors import DataError
from edgewise.vision.data.pixels import EXTENSIONS

RESULTS = ("_mask.png", "_overlay.png", "_probability.png")
"""How files end that are written."""


@dataclass(frozen=True)
class Picture:
    """A picture file and the name of what is made of it.

    Attributes:
        path: The file.
        name: A path within the folder of the results, to which ``_mask.png`` and the like are added.
    """

    path: Path
    name: str

    def result(self, out_dir: Path, ending: str) -> Path:
        """The file of one of its results."""
        return out_dir / f"{self.name}{ending}"


def find_pictures(paths: Iterable[str | Path], out_dir: Path) -> list[Picture]:
    """Picture files, and in the place of each folder all in it and its subfolders, by name.

    A file is called by its stem, one in a folder also by the subfolders that it lies in, and by the folder itself if there
    are several. Files that share all that are called by their whole names, such as ``scan.tif``. What is hidden is left
    out, and so is what an earlier prediction wrote to the same folder.

    Args:
        paths: Files and folders.
        out_dir: Folder of the results.

    Raises:
        DataError: A folder holds no picture, or cannot be read.
    """
    given = list(dict.fromkeys(map(Path, paths)))
    several = sum(path.is_dir() for path in given) > 1
    found: dict[Path, Path] = {}
    for path in given:
        if not path.is_dir():
            found.setdefault(path, Path(path.name))
            continue
        there = sorted(file for file in _files(path) if not _is_result(file, out_dir))
        if not there:
            raise DataError(f"{path} holds no pictures; name a folder of {', '.join(EXTENSIONS)} files, or the files")
        for file in there:
            found.setdefault(file, Path(path.resolve().name if several else "", file.relative_to(path)))
    stems = {file: name.with_suffix("") for file, name in found.items()}
    shared = Counter(stems.values())
    names = Counter(found.values())
    return [
        Picture(file, str(name if shared[stems[file]] > 1 and names[name] == 1 else stems[file]))
        for file, name in found.items()
    ]


def _files(folder: Path) -> Iterator[Path]:
    """The picture files of a folder and its subfolders."""

    def refuse(error: OSError) -> None:
        raise DataError(
            f"{error.filename} cannot be read ({error.strerror}): give it the rights, or leave it out"
        ) from error

    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in files if Path(name).suffix.lower() in EXTENSIONS and name[0] != ".")


def _is_result(file: Path, out_dir: Path) -> bool:
    """Whether it looks like something that was written to the folder of the results."""
    stem = file.stem.rstrip("0123456789").removesuffix("_") if "_probability_" in file.name else file.stem
    return f"{stem}{file.suffix}".endswith(RESULTS) and file.resolve().is_relative_to(out_dir.resolve())
