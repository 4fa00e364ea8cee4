"""NIfTI files, read and written by nibabel."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgewise._ground.errors import DataError
from edgewise._ground.optional import require
from edgewise.io import atomic_write
from edgewise.vision.volumes.volume import Volume

ENDINGS = (".nii", ".nii.gz")
MILLIMETRES = {"unknown": 1.0, "mm": 1.0, "meter": 1e3, "micron": 1e-3}
APART = 0.01
"""Voxels whose sizes differ by more than this part of them are of different sizes."""


def read_nifti(path: str | Path, spacing: Sequence[float] | None = None) -> Volume:
    """A NIfTI file; its numbers are scaled as its header says, and a fourth axis are channels.

    Args:
        path: ``.nii`` or ``.nii.gz``.
        spacing: Millimetres from voxel to voxel along slices, rows and columns, for a file that does not say them.

    Raises:
        DataError: The file is missing or broken, has more than four axes, holds numbers that are none, or says nothing or
            two things of the size of its voxels.
        MissingPackageError: nibabel is not installed.
    """
    path = Path(path)
    image = _open(path)
    array = _whole(path, image) if path.suffix.lower() == ".gz" else _numbers(path, image)
    if array.ndim == 5 and array.shape[3] == 1:  # NIfTI's own place for channels
        array = array[:, :, :, 0]
    if array.ndim not in (3, 4) or not array.size:
        raise DataError(
            f"{path} has the shape {array.shape} and a volume has three axes, or four with channels: convert it"
        )
    channels = array.T if array.ndim == 4 else array.T[None]  # (x, y, z, C) -> (C, z, y, x)
    return Volume(np.ascontiguousarray(channels), _affine(path, image, spacing))


def affine_of_nifti(path: str | Path, spacing: Sequence[float] | None = None) -> np.ndarray:
    """The affine of :func:`read_nifti`, for which the header is read and no voxel."""
    return _affine(Path(path), _open(Path(path)), spacing)


def write_nifti(path: str | Path, array: np.ndarray, affine: np.ndarray) -> None:
    """Write numbers on a grid, whole or not at all.

    Args:
        path: Its name ends with ``.nii.gz``.
        array: ``(D, H, W)``, or ``(C, D, H, W)``, in a type that NIfTI knows.
        affine: As in :class:`Volume`.

    Raises:
        CheckpointError: The file cannot be written.
    """
    images = require("nibabel.nifti1", extra="volumes")
    image = images.Nifti1Image(array.T, affine)
    image.header.set_xyzt_units("mm")
    atomic_write(path, gzip.compress(image.to_bytes(), compresslevel=5, mtime=0))


def _open(path: Path):
    nibabel = require("nibabel", extra="volumes")
    if not path.is_file():
        raise DataError(f"{path} does not exist or is not a file; check the path and the file's name")
    try:
        return nibabel.load(path)
    except Exception as error:  # ImageFileError, OSError, ValueError, ... on broken bytes
        raise DataError(_broken(path, error)) from error


def _whole(path: Path, image) -> np.ndarray:
    """Those of a packed file, to whose end it is read: there is the sum by which damage shows."""
    with gzip.open(path) as stream:
        array = _numbers(path, type(image).from_stream(stream))
        try:
            while stream.read(2**20):
                pass
        except Exception as error:  # OSError, EOFError, zlib.error
            raise DataError(_broken(path, error)) from error
    return array


def _numbers(path: Path, image) -> np.ndarray:
    """float32, ``(x, y, z)`` or ``(x, y, z, C)``."""
    if image.get_data_dtype().kind not in "iuf":
        raise DataError(f"{path} holds {image.get_data_dtype()} and a volume is of numbers, one a channel: convert it")
    try:
        array = image.get_fdata(dtype=np.float32, caching="unchanged")
    except Exception as error:  # OSError, EOFError, zlib.error, ... on truncated bytes
        raise DataError(_broken(path, error)) from error
    if not np.isfinite(array).all():
        raise DataError(f"{path} has values that are NaN or infinite; replace them")
    return array


def _affine(path: Path, image, spacing: Sequence[float] | None) -> np.ndarray:
    header, affine = image.header, image.affine.astype(float)
    stated = np.array(header.get_zooms()[:3], float)
    if not stated.all() or not np.isfinite(affine).all():
        raise DataError(f"{path} has voxels of {_by(stated)} mm, which cannot be; write their true size into it")
    unsaid = not header["qform_code"] and not header["sform_code"]
    if unsaid and (stated == 1).all():
        if spacing is None:
            raise DataError(
                f"{path} does not say how large its voxels are (no qform, no sform, 1 x 1 x 1); write it into the file, or "
                "give the dataset spacing=[SLICES, ROWS, COLUMNS] in mm"
            )
        return np.diag([*spacing[::-1], 1.0])
    found = np.linalg.norm(affine[:3, :3], axis=0)
    if (abs(found - stated) > APART * stated).any():
        raise DataError(
            f"{path} says that its voxels are {_by(stated)} mm (pixdim) and {_by(found)} mm (affine); make them equal"
        )
    affine[:3] *= MILLIMETRES[header.get_xyzt_units()[0]]
    return affine


def _by(sizes: np.ndarray) -> str:
    return " x ".join(f"{size:.4g}" for size in sizes)


def _broken(path: Path, error: Exception) -> str:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"{path} cannot be read as NIfTI ({reason}); replace the file, it may be truncated"
