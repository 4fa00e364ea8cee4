"""A series of DICOM slices as one volume."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgewise._ground.errors import DataError, warn
from edgewise._ground.optional import require
from edgewise.vision.volumes.volume import Volume

UNEVEN = 0.1
"""Gaps between slices that differ by more than this part of them are of different sizes."""
SIDEWAYS = 0.5
"""Pixels by which slices may lie beside the line from the first to the last."""
TILTED = 1.0
"""Degrees by which that line may lean from the normal of the slices before it is worth a warning."""
HEAD_FIRST = np.diag([-1.0, -1.0, 1.0, 1.0])
"""From DICOM's millimetres, to the left and the back, to NIfTI's, to the right and the front."""
NEEDED = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns")


def is_series(folder: Path) -> bool:
    """Whether a folder holds DICOM slices itself, not in folders within it."""
    return any(True for _ in _headers(folder))


def read_series(folder: str | Path) -> Volume:
    """The slices of one series in a folder, in the order in which they lie in space, with their rescaling done.

    Positions, orientations and pixel sizes make the affine. Files that are no DICOM are passed over.

    Args:
        folder: One file a slice.

    Raises:
        DataError: There is no slice, or more than one series; a slice is missing, of another size, orientation or
            distance, has no pixels, or does not say where it lies.
        MissingPackageError: pydicom is not installed.

    Warns:
        EdgewiseWarning: The slices lie in a line that leans, as those of a tilted gantry do.
    """
    folder = Path(folder)
    headers = list(_headers(folder))
    if not headers:
        raise DataError(f"{folder} holds no DICOM slices; give the folder whose files are the slices of one series")
    _check_series(folder, headers)
    for path, header in headers:
        _check_slice(path, header)
    (first, like), *others = headers
    for path, header in others:
        _check_alike(path, header, first, like)
    normal = np.cross(like.ImageOrientationPatient[:3], like.ImageOrientationPatient[3:])
    headers.sort(key=lambda pair: float(normal @ np.array(pair[1].ImagePositionPatient, float)))
    affine = _affine(headers, normal)
    return Volume(_stacked([path for path, _ in headers]), affine)


def _headers(folder: Path):
    """The DICOM files of a folder by name, each with what it says beside its pixels."""
    pydicom, errors = require("pydicom", extra="volumes"), require("pydicom.errors", extra="volumes")
    for path in sorted(folder.iterdir()):
        if not path.is_file() or path.name.startswith(".") or path.name == "DICOMDIR":
            continue
        try:
            yield path, pydicom.dcmread(path, stop_before_pixels=True)
        except errors.InvalidDicomError as error:
            if path.suffix.lower() in (".dcm", ".ima"):
                raise DataError(f"{path} is no DICOM file; replace it or leave it out") from error
        except Exception as error:  # of broken bytes
            raise DataError(f"{path} cannot be read as DICOM ({error}); replace it, it may be truncated") from error


def _check_series(folder: Path, headers: Sequence[tuple[Path, Any]]) -> None:
    series: dict[str, list[Path]] = {}
    for path, header in headers:
        series.setdefault(str(header.get("SeriesInstanceUID", "")), []).append(path)
    if len(series) > 1:
        parts = ", ".join(f"{len(paths)} like {paths[0].name}" for paths in sorted(series.values(), key=len, reverse=True))
        raise DataError(f"{folder} holds slices of {len(series)} series ({parts}); keep each in a folder of its own")


def _check_slice(path: Path, header: Any) -> None:
    if int(header.get("NumberOfFrames", 1) or 1) > 1:
        raise DataError(f"{path} holds {header.NumberOfFrames} frames and a slice is one; convert it to NIfTI")
    missing = [name for name in NEEDED if header.get(name) is None]
    if "Rows" in missing or "Columns" in missing:
        raise DataError(f"{path} has no pixels; leave it out, or fetch the slice again")
    if missing:
        raise DataError(f"{path} has no {missing[0]}, so its place and size in mm are unknown; fetch the original series")


def _check_alike(path: Path, header: Any, first: Path, like: Any) -> None:
    """Two slices of a series have one size, one pixel size and one orientation."""
    if (header.Rows, header.Columns) != (like.Rows, like.Columns):
        raise DataError(
            f"{path} has {header.Rows} x {header.Columns} pixels and {first} {like.Rows} x {like.Columns}; "
            "slices of a volume have one size, so leave out those that are of another scan"
        )
    for name, apart in (("PixelSpacing", 1e-3), ("ImageOrientationPatient", 1e-3)):
        one, other = (np.array(part.get(name), float) for part in (header, like))
        if abs(one - other).max() > apart:
            raise DataError(
                f"{path} has {name} {_list(one)} and {first} {_list(other)}; slices of a volume have one, "
                "so leave out those that are of another scan"
            )


def _affine(headers: Sequence[tuple[Path, Any]], normal: np.ndarray) -> np.ndarray:
    """From the voxel (column, row, slice, 1) to NIfTI's millimetres, of slices in their order."""
    places = np.array([header.ImagePositionPatient for _, header in headers], float)
    header = headers[0][1]
    (rows, columns), directions = map(float, header.PixelSpacing), np.array(header.ImageOrientationPatient, float)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = directions[:3] * columns, directions[3:] * rows
    affine[:3, 2], affine[:3, 3] = _step(headers, places, normal, min(rows, columns)), places[0]
    return HEAD_FIRST @ affine


def _step(headers: Sequence[tuple[Path, Any]], places: np.ndarray, normal: np.ndarray, pixel: float) -> np.ndarray:
    """From a slice to the next in DICOM's millimetres."""
    paths = [path for path, _ in headers]
    if len(paths) == 1:
        thickness = headers[0][1].get("SpacingBetweenSlices") or headers[0][1].get("SliceThickness")
        if not thickness:
            raise DataError(f"{paths[0]} is the only slice and has no SliceThickness; give the folder of the whole series")
        return normal * float(thickness)
    gaps = np.diff(places @ normal)
    usual = float(np.median(gaps))
    if (double := int(gaps.argmin())) >= 0 and gaps[double] < UNEVEN * usual + 1e-3:
        raise DataError(f"{paths[double]} and {paths[double + 1]} lie at the same place; keep one time or echo in a folder")
    for index, gap in enumerate(gaps.tolist()):
        if abs(gap - usual) > UNEVEN * usual:
            missing = round(gap / usual) - 1
            what = f"{missing} slice{'s are' if missing > 1 else ' is'} missing" if missing else "slices are uneven"
            raise DataError(
                f"{what}: {paths[index]} and {paths[index + 1]} are {gap:.4g} mm apart and others {usual:.4g} mm; "
                "fetch the whole series, or resample it to even slices"
            )
    step = (places[-1] - places[0]) / (len(places) - 1)
    beside = abs(places - places[0] - np.arange(len(places))[:, None] * step)
    if beside.max() > SIDEWAYS * pixel + UNEVEN * usual:
        raise DataError(f"{paths[int(beside.max(1).argmax())]} lies beside the line of the other slices; leave it out")
    lean = float(np.degrees(np.arccos(np.clip(normal @ step / np.linalg.norm(step), -1, 1))))
    if lean > TILTED:
        warn(f"the slices in {paths[0].parent} lean by {lean:.1f} degrees (a tilted gantry), and networks see them upright")
    return step


def _stacked(paths: Sequence[Path]) -> np.ndarray:
    """The pixels of slices in their order, ``(C, D, H, W)``; one slice is in memory beside them."""
    pixels = np.atleast_3d(_pixels(paths[0]))
    array = np.empty((pixels.shape[-1], len(paths), *pixels.shape[:2]), np.float32)
    for index, path in enumerate(paths):
        pixels = np.atleast_3d(pixels if index == 0 else _pixels(path))
        if pixels.shape[-1] != len(array):
            raise DataError(f"{path} has {pixels.shape[-1]} channels and {paths[0]} {len(array)}; leave one kind out")
        array[:, index] = np.moveaxis(pixels, -1, 0)
    return array


def _pixels(path: Path) -> np.ndarray:
    """A slice, float32 ``(H, W)`` or ``(H, W, C)``, in the units that its rescaling gives, such as Hounsfield's."""
    pydicom, pixels = require("pydicom", extra="volumes"), require("pydicom.pixels", extra="volumes")
    slice_ = pydicom.dcmread(path)
    if not any(name in slice_ for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise DataError(f"{path} has no pixels; leave it out, or fetch the slice again")
    try:
        return pixels.apply_modality_lut(_without_padding(slice_.pixel_array, slice_), slice_).astype(np.float32)
    except Exception as error:  # of broken bytes, or of a compression without its package
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"the pixels of {path} cannot be decoded ({reason}); fetch it again, or uncompressed") from error


def _without_padding(stored: np.ndarray, slice_: Any) -> np.ndarray:
    """The smallest real value where a scanner has measured nothing, as beyond its circle (DICOM PS3.3, C.7.5.1.1.2)."""
    if "PixelPaddingValue" not in slice_:
        return stored
    ends = slice_.PixelPaddingValue, slice_.get("PixelPaddingRangeLimit", slice_.PixelPaddingValue)
    empty = (stored >= min(ends)) & (stored <= max(ends))
    return stored if empty.all() else np.where(empty, stored[~empty].min(), stored)


def _list(numbers: np.ndarray) -> str:
    return "[" + ", ".join(f"{number:.4g}" for number in numbers) + "]"
