"""A series of DICOM slices as one volume."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgewise._ground.errors import DataError, warn
from edgewise.vision.volumes.slices import Slice, may_hold_slices, pixels_of, slices_of
from edgewise.vision.volumes.volume import Volume

UNEVEN = 0.1
"""Gaps between slices that differ by more than this part of them are of different sizes."""
SIDEWAYS = 0.5
"""Pixels by which slices may lie beside the line from the first to the last."""
TILTED = 1.0
"""Degrees by which that line may lean from the normal of the slices before it is worth a warning."""
HEAD_FIRST = np.diag([-1.0, -1.0, 1.0, 1.0])
"""From DICOM's millimetres, to the left and the back, to NIfTI's, to the right and the front."""
NEEDED = {"ImagePositionPatient": 3, "ImageOrientationPatient": 6, "PixelSpacing": 2}
"""What says where a slice lies, and of how many numbers it is."""


def is_series(folder: Path) -> bool:
    """Whether a folder holds DICOM slices itself, not in folders within it."""
    return any(map(may_hold_slices, folder.iterdir()))


def series_in(folder: Path) -> list[Path]:
    """The scans that a folder of slices is: itself where they are of one series, else of each series its first file.

    Where a file cannot be read it is the folder itself, and reading that says so.
    """
    try:
        slices = [one for file in _files(folder) for one in slices_of(file)]
    except DataError:
        return [folder]
    first = {one.series: one.path for one in reversed(slices)}
    return sorted(first.values()) if len(first) > 1 else [folder]


def read_series(path: str | Path) -> Volume:
    """The slices of one series, in the order in which they lie in space, with their rescaling done.

    Positions, orientations and pixel sizes make the affine. Files that are no DICOM are passed over.

    Args:
        path: A folder of its files, each with one slice or with a slice in each frame; or one of them, which stands for
            those of its series beside it.

    Raises:
        DataError: There is no slice, or more than one series; a slice is missing, of another size, orientation or
            distance, has no pixels, or does not say where it lies.
        MissingPackageError: pydicom is not installed.

    Warns:
        EdgewiseWarning: The slices lie in a line that leans, as those of a tilted gantry do.
    """
    slices, affine = _placed(Path(path))
    return Volume(_stacked(slices), affine)


def affine_of_series(path: str | Path) -> np.ndarray:
    """The affine of :func:`read_series`, for which pixels are not read."""
    return _placed(Path(path))[1]


def _placed(path: Path) -> tuple[list[Slice], np.ndarray]:
    """The slices in their order, and their affine."""
    slices = [one for file in _files(path if path.is_dir() else path.parent) for one in slices_of(file)]
    if not path.is_dir():
        meant = slices_of(path)[0].series
        slices = [one for one in slices if one.series == meant]
    if not slices:
        raise DataError(f"{path} holds no DICOM slices; give the folder whose files are the slices of one series")
    _check_series(path, slices)
    for one in slices:
        _check_slice(one)
    first, *others = slices
    for one in others:
        _check_alike(one, first)
    directions = first.numbers("ImageOrientationPatient")
    normal = np.cross(directions[:3], directions[3:])
    slices.sort(key=lambda one: float(normal @ one.numbers("ImagePositionPatient")))
    return slices, _affine(slices, normal)


def _files(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.iterdir()) if may_hold_slices(file)]


def _check_series(path: Path, slices: Sequence[Slice]) -> None:
    series: dict[str, list[Path]] = {}
    for one in slices:
        series.setdefault(one.series, []).append(one.path)
    if len(series) > 1:
        parts = ", ".join(f"{len(paths)} like {paths[0].name}" for paths in sorted(series.values(), key=len, reverse=True))
        raise DataError(f"{path} holds slices of {len(series)} series ({parts}); keep each in a folder of its own")


def _check_slice(one: Slice) -> None:
    if not one.get("Rows") or not one.get("Columns"):
        raise DataError(f"{one} has no pixels; leave it out, or fetch the slice again")
    for name, count in NEEDED.items():
        said = one.get(name)
        if said is None or np.size(said) != count:
            what = f"no {name}" if said is None or not np.size(said) else f"{name} {said}, which is not {count} numbers"
            raise DataError(f"{one} has {what}, so its place and size in mm are unknown; fetch the original series")
    if one.numbers("PixelSpacing").min() <= 0:
        raise DataError(f"{one} has PixelSpacing {one.get('PixelSpacing')} and pixels are above 0 mm; fetch it again")


def _check_alike(one: Slice, first: Slice) -> None:
    """Two slices of a series have one size, one pixel size and one orientation."""
    shape, like = ((each.get("Rows"), each.get("Columns")) for each in (one, first))
    if shape != like:
        raise DataError(
            f"{one} has {shape[0]} x {shape[1]} pixels and {first} {like[0]} x {like[1]}; "
            "slices of a volume have one size, so leave out those that are of another scan"
        )
    for name in ("PixelSpacing", "ImageOrientationPatient"):
        own, other = one.numbers(name), first.numbers(name)
        if abs(own - other).max() > 1e-3:
            raise DataError(
                f"{one} has {name} {_list(own)} and {first} {_list(other)}; slices of a volume have one, "
                "so leave out those that are of another scan"
            )


def _affine(slices: Sequence[Slice], normal: np.ndarray) -> np.ndarray:
    """From the voxel (column, row, slice, 1) to NIfTI's millimetres, of slices in their order."""
    places = np.array([one.numbers("ImagePositionPatient") for one in slices])
    rows, columns = slices[0].numbers("PixelSpacing")
    directions = slices[0].numbers("ImageOrientationPatient")
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = directions[:3] * columns, directions[3:] * rows
    affine[:3, 2], affine[:3, 3] = _step(slices, places, normal, min(rows, columns)), places[0]
    return HEAD_FIRST @ affine


def _step(slices: Sequence[Slice], places: np.ndarray, normal: np.ndarray, pixel: float) -> np.ndarray:
    """From a slice to the next in DICOM's millimetres."""
    if len(slices) == 1:
        thickness = slices[0].get("SpacingBetweenSlices") or slices[0].get("SliceThickness")
        if not thickness:
            raise DataError(f"{slices[0]} is the only slice and has no SliceThickness; give the folder of the whole series")
        return normal * float(thickness)
    gaps = np.diff(places @ normal)
    usual = float(np.median(gaps))
    if (double := int(gaps.argmin())) >= 0 and gaps[double] < UNEVEN * usual + 1e-3:
        raise DataError(f"{slices[double]} and {slices[double + 1]} lie at the same place; keep one time or echo")
    for index, gap in enumerate(gaps.tolist()):
        if abs(gap - usual) > UNEVEN * usual:
            missing = round(gap / usual) - 1
            what = f"{missing} slice{'s are' if missing > 1 else ' is'} missing" if missing else "slices are uneven"
            raise DataError(
                f"{what}: {slices[index]} and {slices[index + 1]} are {gap:.4g} mm apart and others {usual:.4g} mm; "
                "fetch the whole series, or resample it to even slices"
            )
    step = (places[-1] - places[0]) / (len(places) - 1)
    beside = abs(places - places[0] - np.arange(len(places))[:, None] * step)
    if beside.max() > SIDEWAYS * pixel + UNEVEN * usual:
        raise DataError(f"{slices[int(beside.max(1).argmax())]} lies beside the line of the other slices; leave it out")
    lean = float(np.degrees(np.arccos(np.clip(normal @ step / np.linalg.norm(step), -1, 1))))
    if lean > TILTED:
        at = slices[0].path.parent
        warn(f"the slices in {at} lean by {lean:.1f} degrees (a tilted gantry), and networks see them upright")
    return step


def _stacked(slices: Sequence[Slice]) -> np.ndarray:
    """The pixels of slices in their order, ``(C, D, H, W)``; one file is in memory beside them."""
    files: dict[Path, list[int]] = {}
    for index, one in enumerate(slices):
        files.setdefault(one.path, []).append(index)
    first = slices[0]
    channels, *shape = (int(first.get(name) or 1) for name in ("SamplesPerPixel", "Rows", "Columns"))
    array = np.empty((channels, len(slices), *shape), np.float32)
    for path, indices in files.items():
        for index, pixels in zip(indices, pixels_of(path, [slices[index] for index in indices]), strict=True):
            found = np.moveaxis(np.atleast_3d(pixels), -1, 0)
            if len(found) != channels:
                raise DataError(f"{path} has {len(found)} channels and {first} {channels}; leave one kind out")
            array[:, index] = found
    return array


def _list(numbers: np.ndarray) -> str:
    return "[" + ", ".join(f"{number:.4g}" for number in numbers) + "]"
