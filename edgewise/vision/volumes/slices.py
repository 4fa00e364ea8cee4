"""The slices in DICOM files, of which a file holds one, or as many as it has frames."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgewise._ground.errors import DataError
from edgewise._ground.optional import require

GROUPS = {
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "PixelSpacing": "PixelMeasuresSequence",
    "SliceThickness": "PixelMeasuresSequence",
    "SpacingBetweenSlices": "PixelMeasuresSequence",
    "RescaleSlope": "PixelValueTransformationSequence",
    "RescaleIntercept": "PixelValueTransformationSequence",
}
"""Where files of several frames say what others say at their top (DICOM PS3.3, C.7.6.16)."""
PREAMBLE = 128


@dataclass(frozen=True, eq=False)
class Slice:
    """What a file says of a slice beside its pixels.

    Attributes:
        path: The file.
        frame: Which of several, counted from 0; None: its only one.
        header: All that it says of the whole file.
    """

    path: Path
    frame: int | None
    header: Any

    def __str__(self) -> str:
        return str(self.path) if self.frame is None else f"frame {self.frame + 1} of {self.path}"

    @property
    def series(self) -> str:
        """What all slices of a series share, and no other has."""
        return str(self.header.get("SeriesInstanceUID") or "")

    def get(self, name: str) -> Any:
        """An attribute of the slice; None where nothing says it."""
        if self.frame is None or name not in GROUPS:
            return self.header.get(name)
        for groups in (self.header.PerFrameFunctionalGroupsSequence[self.frame], *self._shared):
            if found := groups.get(GROUPS[name]):
                return found[0].get(name)
        return None

    def numbers(self, name: str) -> np.ndarray:
        """Those of an attribute."""
        return np.array(self.get(name), float)

    @property
    def _shared(self) -> tuple[Any, ...]:
        return tuple(self.header.get("SharedFunctionalGroupsSequence") or ())


def may_hold_slices(path: Path) -> bool:
    """Whether a file is DICOM by its first bytes or its name."""
    if path.name.startswith(".") or path.name == "DICOMDIR" or not path.is_file():
        return False
    if path.suffix.lower() in (".dcm", ".ima"):
        return True
    try:
        with path.open("rb") as file:
            return file.read(PREAMBLE + 4)[PREAMBLE:] == b"DICM"
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): give it the rights, or leave it out") from error


def slices_of(path: Path) -> list[Slice]:
    """The slices of a file, without their pixels.

    Raises:
        DataError: It is broken, or holds frames that do not say where they lie.
    """
    pydicom, errors = require("pydicom", extra="volumes"), require("pydicom.errors", extra="volumes")
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True)
        frames = int(header.get("NumberOfFrames", 1) or 1)
        said = len(header.get("PerFrameFunctionalGroupsSequence") or ())
    except errors.InvalidDicomError as error:
        raise DataError(f"{path} is no DICOM file; replace it or leave it out") from error
    except Exception as error:  # of broken bytes
        raise DataError(f"{path} cannot be read as DICOM ({error}); replace it, it may be truncated") from error
    if frames == 1 and not said:
        return [Slice(path, None, header)]
    if frames != said:
        raise DataError(f"{path} holds {frames} frames and says of {said} of them where they lie; convert it to NIfTI")
    return [Slice(path, frame, header) for frame in range(frames)]


def pixels_of(path: Path, slices: list[Slice]) -> Iterator[np.ndarray]:
    """The pixels of slices of one file, float32 ``(H, W)`` or ``(H, W, C)``, in the units that its rescaling gives.

    Raises:
        DataError: It has none, or they cannot be decoded.
    """
    pydicom, pixels = require("pydicom", extra="volumes"), require("pydicom.pixels", extra="volumes")
    whole = pydicom.dcmread(path)
    if not any(name in whole for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise DataError(f"{path} has no pixels; leave it out, or fetch the slice again")
    try:
        stored = _without_padding(whole.pixel_array, whole)
        if slices[0].frame is None:
            yield pixels.apply_modality_lut(stored, whole).astype(np.float32)
            return
        frames = stored if int(whole.NumberOfFrames) > 1 else stored[None]
        for one in slices:
            slope, intercept = one.get("RescaleSlope"), one.get("RescaleIntercept")
            scaled = frames[one.frame] * float(1 if slope is None else slope) + float(intercept or 0)
            yield scaled.astype(np.float32)
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
