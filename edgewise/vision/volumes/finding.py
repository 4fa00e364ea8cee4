"""The scans to predict, in files and folders, and what to call what is made of each."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgewise._ground.errors import DataError
from edgewise.vision.data.below import visible
from edgewise.vision.segmentation.inference.pictures import Picture, named
from edgewise.vision.volumes.dicom import is_series, series_in
from edgewise.vision.volumes.reading import KNOWN

CHANNEL = re.compile(r"(.+)_(\d{4})")
"""How nnU-Net names the channels of a scan."""
RESULTS = ("_mask.nii.gz", "_probability.nii.gz")
"""How volumes end that predictions write."""


@dataclass(frozen=True)
class Scan(Picture):
    """A scan and the name of what is made of it.

    Attributes:
        path: The file, the folder of slices, or the first file of a series where a folder holds several.
        name: As of pictures.
        others: Further files of it, a channel each.
    """

    others: tuple[Path, ...] = ()


def find_scans(paths: Iterable[str | Path], out_dir: Path, channels: int = 1) -> list[Scan]:
    """Files and series, and in the place of each folder all in it and its subfolders, by name.

    A folder whose own files are DICOM slices is one scan, or as many as it holds series, which are called by their first
    files. Names are those of pictures, so what is made of
    ``patient/study/series/`` lies in ``patient/study/``. What is hidden is left out, and so is what an earlier prediction
    wrote to the same folder.

    Args:
        paths: Files and folders.
        out_dir: Folder of the results.
        channels: How many the scans have; of several, ``ID_0000`` and ``ID_0001`` in one folder are one scan.

    Raises:
        DataError: A folder holds no scan, or cannot be read.
    """

    def inside(folder: Path) -> list[Path]:
        there: list[Path] = []
        for place, names in visible(folder):
            there += series_in(place) if is_series(place) else []
            files = (place / name for name in names if name.lower().endswith(KNOWN))
            there += [file for file in files if not _is_result(file, out_dir)]
        if not there:
            raise DataError(
                f"{folder} holds no scan; name a folder of files that end with {', '.join(KNOWN)} or of DICOM slices, or "
                "the files"
            )
        return sorted(there)

    return _joined(named(paths, inside, lambda path: path.with_name(stem_of(path))), channels)


def stem_of(path: Path) -> str:
    """The name of a scan without its ending.

    Example:
        >>> stem_of(Path("a.nii.gz")), stem_of(Path("1.2.840"))
        ('a', '1.2.840')
    """
    ending = next(
        (ending for ending in sorted((*KNOWN, ".dcm"), key=len, reverse=True) if path.name.lower().endswith(ending)), ""
    )
    return path.name[: len(path.name) - len(ending)]


def _joined(found: Sequence[tuple[Path, str]], channels: int) -> list[Scan]:
    """Files of one scan together, in the order of their channels."""
    parts: dict[tuple[Path, str], list[Path]] = {}
    for path, name in found:
        channel = CHANNEL.fullmatch(name) if channels > 1 else None
        parts.setdefault((path.parent, channel[1]) if channel else (path, name), []).append(path)
    return [Scan(first, name, tuple(others)) for (_, name), (first, *others) in ((k, sorted(v)) for k, v in parts.items())]


def _is_result(file: Path, out_dir: Path) -> bool:
    return file.name.endswith(RESULTS) and file.resolve().is_relative_to(out_dir.resolve())
