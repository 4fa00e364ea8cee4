"""One picture with its masks on disk, read when asked for."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgewise._ground.errors import DataError
from edgewise.vision.data.pixels import read_pixels


@dataclass(frozen=True)
class Sample:
    """A picture and the masks that mark its foreground.

    Attributes:
        id: Name that is unique in its dataset.
        image: File of the picture.
        masks: Files of the masks; their union is the foreground.
        page: Page of `image` and of every mask where these are TIFF stacks, counted from 0.
        window: Intensities that become 0 and 1, in the units of the file; what lies beyond is clipped.
            None: the whole range of the file's type.
        group: What this sample shares with others that must stay on its side of a split: a patient, a video.
    """

    id: str
    image: Path
    masks: tuple[Path, ...] = ()
    page: int | None = None
    window: tuple[float, float] | None = None
    group: str | None = None

    def read_image(self) -> np.ndarray:
        """The picture as float32 ``(C, H, W)`` in [0, 1]; C is 1 for grey and 3 for colour.

        8-bit and 16-bit files are divided by 255 and 65535, unless the sample has a `window`.

        Raises:
            DataError: The file is missing, cannot be decoded, or its type has no scale of its own.
        """
        pixels = read_pixels(self.image, self.page)
        pixels = np.atleast_3d(pixels).transpose(2, 0, 1)
        low, high = self.window or self._full_range(pixels)
        scaled = (pixels.astype(np.float32) - low) / (high - low)
        return np.ascontiguousarray(scaled.clip(0, 1), dtype=np.float32)

    def read_mask(self) -> np.ndarray:
        """The union of the masks as uint8 ``(H, W)``, 1 in the foreground; see `foreground` for the rule.

        Raises:
            DataError: There is no mask, a file is missing or broken, or a mask has not the size of the picture.
        """
        return self.read()[1]

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """`read_image` and `read_mask` at the price of decoding each file once."""
        if not self.masks:
            raise DataError(f"sample {self.id} ({self.image}) has no mask; give it at least one mask file")
        image = self.read_image()
        union = np.zeros(image.shape[1:], np.uint8)
        for path in self.masks:
            mask = foreground(read_pixels(path, self.page), lossy=path.suffix.lower() in (".jpg", ".jpeg"))
            if mask.shape != union.shape:
                raise DataError(
                    f"mask {path} is {_by(mask)} and its image {self.image} is {_by(union)} (height x width); "
                    "a mask must have the size of its image"
                )
            union |= mask
        return image, union

    def _full_range(self, pixels: np.ndarray) -> tuple[float, float]:
        if pixels.dtype == bool:
            return 0, 1
        if pixels.dtype in (np.uint8, np.uint16):
            return 0, np.iinfo(pixels.dtype).max
        if pixels.dtype.kind == "f" and pixels.min() >= 0 and pixels.max() <= 1:
            return 0, 1
        raise DataError(
            f"{self.image} holds {pixels.dtype} values from {pixels.min()} to {pixels.max()}, which have no scale "
            "of their own; save it as 8 or 16 bits, as floats in [0, 1], or give the sample a window"
        )


def foreground(pixels: np.ndarray, lossy: bool = False) -> np.ndarray:
    """Foreground of a decoded mask, uint8 ``(H, W)`` of 0 and 1.

    The rule, on the largest of a pixel's channels: an 8-bit mask that reaches 255, and any JPEG, is a picture of
    a mask whose edges may be soft, and foreground is at least 128, half of the maximum; floats are foreground
    from 0.5; every other mask holds class or instance numbers, and foreground is what is not 0.

    Example:
        >>> foreground(np.array([[0, 1, 7]], np.uint8))  # instances
        array([[0, 1, 1]], dtype=uint8)
        >>> foreground(np.array([[0, 90, 255]], np.uint8))  # a soft edge
        array([[0, 0, 1]], dtype=uint8)
    """
    values = pixels.max(-1) if pixels.ndim == 3 else pixels
    if values.dtype.kind == "f":
        return (values >= 0.5).astype(np.uint8)
    soft = values.dtype == np.uint8 and (lossy or values.max(initial=0) == 255)
    return (values >= (128 if soft else 1)).astype(np.uint8)


def _by(array: np.ndarray) -> str:
    return " x ".join(map(str, array.shape))
