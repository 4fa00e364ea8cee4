"""One picture with its masks on disk, read when asked for."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from edgewise._ground.errors import DataError
from edgewise.vision.data.auto import read_as
from edgewise.vision.data.coding import VOID, Coding
from edgewise.vision.data.mask_file import MaskFile, read_mask_file
from edgewise.vision.data.outlines import DRAWN, read_outlines
from edgewise.vision.data.pixels import read_pixels, size_of

FOURTEEN_BITS = 2**14 - 1
"""Files of 16 bits whose values end here or before are of a camera or scanner with fewer bits."""


@dataclass(frozen=True)
class Scale(ABC):
    """Which intensities become 0 and 1, found from each picture by itself."""

    kind: ClassVar[str]

    @abstractmethod
    def limits(self, pixels: np.ndarray) -> tuple[float, float]:
        """The two intensities, of the pixels of one picture."""

    def to_dict(self) -> dict[str, Any]:
        """The rule as plain JSON values."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Sample:
    """A picture and the masks that say what is where in it.

    Attributes:
        id: Name that is unique in its dataset.
        image: File of the picture.
        masks: Files of the masks; each pixel has the class that one of them gives it.
        page: Page of `image` and of every mask where these are TIFF stacks, counted from 0.
        window: Intensities that become 0 and 1, in the units of the file; what lies beyond is clipped.
            None: the whole range of the file's type.
        scale: The rule by which these intensities are found from the picture itself, in place of a window.
        coding: How the numbers in the masks become classes, the same for a whole set; None: what these files alone suggest.
        side: The side of the split that it was published on; None: it was not divided.
        group: What this sample shares with others that must stay on its side of a split: a patient, a video.
        field: File of the field of view: what is 0 there is void.
        spacing: Millimetres from one pixel to the next, down and across; None: not known.
    """

    id: str
    image: Path
    masks: tuple[Path, ...] = ()
    page: int | None = None
    window: tuple[float, float] | None = None
    coding: Coding | None = None
    side: str | None = None
    group: str | None = None
    field: Path | None = None
    spacing: tuple[float, float] | None = None
    scale: Scale | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that it is read from."""
        return (self.image, *self.masks, *([] if self.field is None else [self.field]))

    def pixels(self) -> np.ndarray:
        """The picture as its file has it, ``(H, W)`` or ``(H, W, 3)``.

        Raises:
            DataError: The file is missing, or cannot be decoded.
        """
        return read_pixels(self.image, self.page)

    def read_image(self) -> np.ndarray:
        """The picture as float32 ``(C, H, W)`` in [0, 1]; C is 1 for grey and 3 for colour.

        Without a `window` and a `scale`, files of 8 bits are divided by 255 and those of 16, if they use more than 14, by
        65535.

        Raises:
            DataError: The file is missing, cannot be decoded, or its type has no scale of its own.
        """
        pixels = np.atleast_3d(self.pixels()).transpose(2, 0, 1)
        low, high = self.scale.limits(pixels) if self.scale else self.window or self._full_range(pixels)
        scaled = pixels.astype(np.float32, order="C")
        scaled -= low  # in place, since a picture may be large
        scaled /= (high - low) or 1
        return scaled.clip(0, 1, out=scaled)

    def read_mask(self) -> np.ndarray:
        """The class of each pixel, uint8 ``(H, W)``: 0 the background, 255 what is void; see `coding` for the rule.

        Raises:
            DataError: There is no mask, a file is missing or broken or has a value that the rule does not know, masks
                disagree, or a mask has not the size of the picture.
        """
        return self.read()[1]

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """`read_image` and `read_mask` at the price of decoding each file once."""
        return self.read_image(), self.read_classes()

    def read_classes(self) -> np.ndarray:
        """`read_mask`, for which the size of the picture is known by its header; it is not decoded.

        Raises:
            DataError: As `read_mask`.
        """
        if not self.masks:
            raise DataError(f"sample {self.id} ({self.image}) has no mask; give it at least one mask file")
        coding = self.coding or read_as("auto", ((path, self.page) for path in self.masks))
        first, *others = (coding(self._mask_file(path)) for path in self.masks)
        for path, more in zip(self.masks[1:], others, strict=True):
            if more.shape != first.shape:
                raise DataError(
                    f"mask {path} is {_by(more.shape)} and {self.masks[0]} {_by(first.shape)} (height x width); "
                    "make them equal"
                )
            clash = (first % VOID > 0) & (more % VOID > 0) & (first != more)
            if clash.any():
                raise DataError(
                    f"mask {path} gives {clash.sum()} pixels the class {more[clash][0]} and another mask of {self.image} "
                    f"the class {first[clash][0]}; give a pixel one class"
                )
            first = np.where(more % VOID > 0, more, np.where(first > 0, first, more))
        if first.shape != (size := size_of(self.image, self.page)):
            raise DataError(
                f"mask {self.masks[0]} is {_by(first.shape)} and its image {self.image} is {_by(size)} (height x width); "
                "a mask must have the size of its image"
            )
        return first if self.field is None else self._in_field(first, self.field)

    def _mask_file(self, path: Path) -> MaskFile:
        return read_outlines(path, self.image) if path.suffix in DRAWN else read_mask_file(path, self.page)

    def _in_field(self, classes: np.ndarray, field: Path) -> np.ndarray:
        """The classes, void outside the field of view."""
        seen = read_mask_file(field, self.page).plane("grey") != 0
        if seen.shape != classes.shape:
            raise DataError(
                f"field of view {field} is {_by(seen.shape)} and mask {self.masks[0]} {_by(classes.shape)} (height x "
                "width); make them equal"
            )
        return np.where(seen, classes, np.uint8(VOID))

    def _full_range(self, pixels: np.ndarray) -> tuple[float, float]:
        if pixels.dtype == bool:
            return 0, 1
        if pixels.dtype == np.uint8 or (pixels.dtype == np.uint16 and (pixels.max() > FOURTEEN_BITS or not pixels.any())):
            return 0, np.iinfo(pixels.dtype).max
        if pixels.dtype.kind == "f" and pixels.min() >= 0 and pixels.max() <= 1:
            return 0, 1
        raise DataError(
            f"{self.image} holds {pixels.dtype} values from {pixels.min()} to {pixels.max()}, which have no scale "
            "of their own; save it as 8 bits, as floats in [0, 1], or give the sample a window"
        )


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
