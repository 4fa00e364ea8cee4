"""A volume from whatever holds one: a NIfTI file, a folder of DICOM slices, a TIFF stack."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from edgewise._ground.errors import ConfigError, DataError
from edgewise._ground.optional import require
from edgewise.vision.volumes.dicom import is_series, read_series
from edgewise.vision.volumes.nifti import ENDINGS, read_nifti
from edgewise.vision.volumes.volume import Volume

STACKS = (".tif", ".tiff")
KNOWN = (*ENDINGS, *STACKS)
RESULTS = ("_mask.nii.gz", "_probability.nii.gz")
"""How files end that predictions write."""


def read_volume(path: str | Path, spacing: Sequence[float] | None = None) -> Volume:
    """Read a scan, whatever it is kept in.

    Args:
        path: A ``.nii`` or ``.nii.gz`` file, a folder of DICOM slices, or a TIFF whose pages are slices.
        spacing: Millimetres from voxel to voxel along slices, rows and columns, where the file does not say them, as
            TIFF never does.

    Raises:
        ConfigError: The spacing is not three positive numbers.
        DataError: The scan cannot be used; see :func:`read_nifti` and :func:`read_series`.

    Example:
        >>> import tempfile
        >>> from edgewise.vision.volumes.nifti import write_nifti
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_nifti(f"{folder}/a.nii.gz", np.zeros((4, 6, 8), np.int16), np.diag([0.5, 0.5, 2.0, 1.0]))
        ...     scan = read_volume(f"{folder}/a.nii.gz")
        >>> scan.array.shape, scan.spacing
        ((1, 4, 6, 8), (2.0, 0.5, 0.5))
    """
    path = Path(path)
    if spacing is not None and (len(spacing) != 3 or min(spacing) <= 0):
        raise ConfigError(f"spacing={spacing!r} must be three positive numbers of mm: slices, rows, columns")
    if path.is_dir():
        return read_series(path)
    if path.name.lower().endswith(STACKS):
        return _read_stack(path, spacing)
    if not path.name.lower().endswith(ENDINGS):
        raise DataError(f"{path} is no volume; give a folder of DICOM slices or a file that ends with {' or '.join(KNOWN)}")
    return read_nifti(path, spacing)


def volume_files(paths: Iterable[str | Path], out_dir: Path | None = None) -> list[Path]:
    """The paths, and in the place of each folder the scans in it: itself if its files are DICOM slices, else the volumes
    in it and the folders of slices, by name.

    Args:
        paths: Files and folders.
        out_dir: Folder of the results; what an earlier prediction wrote there is left out.

    Raises:
        DataError: A folder holds none.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir() or is_series(path):
            files.append(path)
            continue
        there = [p for p in sorted(path.iterdir()) if not p.name.startswith(".")]
        if out_dir is not None and path.resolve() == out_dir.resolve():
            there = [p for p in there if not p.name.endswith(RESULTS)]
        found = [p for p in there if (is_series(p) if p.is_dir() else p.name.lower().endswith(ENDINGS))]
        if not found:
            raise DataError(f"{path} holds no volume; name files that end with {' or '.join(ENDINGS)}, or DICOM folders")
        files += found
    return files


def _read_stack(path: Path, spacing: Sequence[float] | None) -> Volume:
    """A grey TIFF, its first page the lowest slice."""
    if not path.is_file():
        raise DataError(f"{path} does not exist or is not a file; check the path and the file's name")
    if spacing is None:
        raise DataError(
            f"{path} does not say how large its voxels are; give the dataset spacing=[SLICES, ROWS, COLUMNS] in mm"
        )
    try:
        array = require("tifffile", extra="data").imread(path)
    except Exception as error:  # of broken bytes
        raise DataError(f"{path} cannot be read as TIFF ({error}); replace the file, it may be truncated") from error
    if array.ndim != 3 or array.dtype.kind not in "iufb":
        raise DataError(f"{path} has the shape {array.shape} and a stack is (slices, rows, columns) of grey; convert it")
    depth, height, width = spacing
    return Volume(array[None].astype(np.float32), np.diag([-width, -height, depth, 1.0]))
