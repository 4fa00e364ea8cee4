"""A volume from whatever holds one: a NIfTI file, a folder of DICOM slices, a TIFF stack."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from edgewise._ground.errors import ConfigError, DataError
from edgewise._ground.optional import require
from edgewise.vision.volumes.dicom import affine_of_series, read_series
from edgewise.vision.volumes.nifti import ENDINGS, affine_of_nifti, read_nifti
from edgewise.vision.volumes.slices import may_hold_slices
from edgewise.vision.volumes.volume import Volume

STACKS = (".tif", ".tiff")
KNOWN = (*ENDINGS, *STACKS)


def read_volume(path: str | Path, spacing: Sequence[float] | None = None) -> Volume:
    """Read a scan, whatever it is kept in.

    Args:
        path: A ``.nii`` or ``.nii.gz`` file, a folder of DICOM slices, a DICOM file whose frames are slices, or a TIFF
            whose pages are.
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
    return _ways(Path(path), spacing)[0]()


def read_affine(path: str | Path, spacing: Sequence[float] | None = None) -> np.ndarray:
    """The affine of :func:`read_volume` by what stands beside the voxels, which are not read.

    Raises:
        ConfigError: As :func:`read_volume`.
        DataError: As :func:`read_volume`, but for what is wrong with the voxels.
    """
    return _ways(Path(path), spacing)[1]()


def _ways(path: Path, spacing: Sequence[float] | None) -> tuple[Callable[[], Volume], Callable[[], np.ndarray]]:
    """How to read a scan, and its affine alone."""
    if spacing is not None and (len(spacing) != 3 or min(spacing) <= 0):
        raise ConfigError(f"spacing={spacing!r} must be three positive numbers of mm: slices, rows, columns")
    name = path.name.lower()
    if not path.is_dir() and name.endswith(STACKS):
        return partial(_read_stack, path, spacing), partial(_affine_of_stack, path, spacing)
    if not path.is_dir() and name.endswith(ENDINGS):
        return partial(read_nifti, path, spacing), partial(affine_of_nifti, path, spacing)
    if path.is_dir() or may_hold_slices(path):
        return partial(read_series, path), partial(affine_of_series, path)
    raise DataError(
        f"{path} is no volume; give a DICOM file, a folder of DICOM slices, or a file that ends with {' or '.join(KNOWN)}"
    )


def _affine_of_stack(path: Path, spacing: Sequence[float] | None) -> np.ndarray:
    if not path.is_file():
        raise DataError(f"{path} does not exist or is not a file; check the path and the file's name")
    if spacing is None:
        raise DataError(
            f"{path} does not say how large its voxels are; give the dataset spacing=[SLICES, ROWS, COLUMNS] in mm"
        )
    depth, height, width = spacing
    return np.diag([-width, -height, depth, 1.0])


def _read_stack(path: Path, spacing: Sequence[float] | None) -> Volume:
    """A grey TIFF, its first page the lowest slice."""
    affine = _affine_of_stack(path, spacing)
    try:
        array = require("tifffile", extra="data").imread(path)
    except Exception as error:  # of broken bytes
        raise DataError(f"{path} cannot be read as TIFF ({error}); replace the file, it may be truncated") from error
    if array.ndim != 3 or array.dtype.kind not in "iufb":
        raise DataError(f"{path} has the shape {array.shape} and a stack is (slices, rows, columns) of grey; convert it")
    return Volume(array[None].astype(np.float32), affine)
