"""The pictures to predict, in files and folders, and what to call what is made of each."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from edgewise._ground.errors import DataError
from edgewise.vision.data.below import files_below
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
    """Picture files, and in the place of each folder all in it and its subfolders, by name; see :func:`named`.

    What is hidden is left out, and so is what an earlier prediction wrote to the same folder.

    Args:
        paths: Files and folders.
        out_dir: Folder of the results.

    Raises:
        DataError: A folder holds no picture, or cannot be read.
    """

    def inside(folder: Path) -> list[Path]:
        files = files_below(folder)
        there = [file for file in files if file.suffix.lower() in EXTENSIONS and not _is_result(file, out_dir)]
        if not there:
            raise DataError(f"{folder} holds no pictures; name a folder of {', '.join(EXTENSIONS)} files, or the files")
        return there

    return [Picture(path, name) for path, name in named(paths, inside, lambda path: path.with_suffix(""))]


def named(
    paths: Iterable[str | Path], inside: Callable[[Path], list[Path]], stem: Callable[[Path], Path]
) -> list[tuple[Path, str]]:
    """Paths, in the place of folders what is in them, each with what its results are called.

    A file is called by its stem, one in a folder also by the subfolders that it lies in, and by the folder itself if there
    are several. Files that share all that are called by their whole names, such as ``scan.tif``.

    Args:
        paths: Files and folders.
        inside: What a folder stands for; may be the folder itself.
        stem: A path without its ending.
    """
    given = list(dict.fromkeys(map(Path, paths)))
    several = sum(path.is_dir() for path in given) > 1
    found: dict[Path, Path] = {}
    for path in given:
        if not path.is_dir():
            found.setdefault(path, Path(path.name))
            continue
        own = path.resolve().name
        for one in inside(path):
            found.setdefault(one, Path(own if several or one == path else "", one.relative_to(path)))
    stems = {path: stem(name) for path, name in found.items()}
    shared, names = Counter(stems.values()), Counter(found.values())
    return [
        (path, str(name if shared[stems[path]] > 1 and names[name] == 1 else stems[path])) for path, name in found.items()
    ]


def _is_result(file: Path, out_dir: Path) -> bool:
    """Whether it looks like something that was written to the folder of the results."""
    stem = file.stem.rstrip("0123456789").removesuffix("_") if "_probability_" in file.name else file.stem
    return f"{stem}{file.suffix}".endswith(RESULTS) and file.resolve().is_relative_to(out_dir.resolve())
