"""A mask file as it was stored: grey levels or colours, and where there are any, palette indices and alpha."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from edgewise._ground.errors import DataError
from edgewise.vision.data.pixels import LOSSY, decode, pixels_of, upright

Plane = Literal["grey", "index", "colour", "alpha"]
PLANES: tuple[Plane, ...] = ("grey", "index", "colour", "alpha")
WHITE = 0xFFFFFF


@dataclass(frozen=True, eq=False)
class MaskFile:
    """The numbers in a mask file, none of them interpreted yet.

    Attributes:
        path: The file.
        pixels: Grey levels ``(H, W)`` or colours ``(H, W, 3)``; palettes are looked up.
        index: Entries of the palette ``(H, W)``, where the file has one.
        alpha: Opacity ``(H, W)``, where the file has one.
    """

    path: Path
    pixels: np.ndarray
    index: np.ndarray | None = None
    alpha: np.ndarray | None = None

    @property
    def lossy(self) -> bool:
        """Whether compression has changed its values."""
        return self.path.suffix.lower() in LOSSY

    @property
    def is_grey(self) -> bool:
        """Whether no pixel has a colour; in a JPEG, whether next to none has much of it."""
        if self.pixels.ndim == 2:
            return True
        chroma = np.ptp(self.pixels, axis=-1)
        return bool((chroma > 64).mean() < 1e-3 if self.lossy else not chroma.any())

    def plane(self, name: Plane) -> np.ndarray:
        """One number for each pixel, ``(H, W)``: what the set's rule is about.

        ``grey`` is the largest of a pixel's channels, ``colour`` is red * 65536 + green * 256 + blue; what is
        transparent is black in both. ``index`` is the entry of the palette, or the grey level where there is none.

        Raises:
            DataError: The file has no alpha, or no colours of 8 bits.
        """
        if name == "alpha":
            if self.alpha is None:
                raise DataError(f"{self.path} has no alpha, in which the other masks hold their shape; save it as they are")
            return self.alpha
        if name == "index" and self.index is not None:
            return self.index
        values = self._packed() if name == "colour" else self._grey()
        return values if self.alpha is None else np.where(self.alpha > 0, values, np.zeros((), values.dtype))

    def _grey(self) -> np.ndarray:
        return self.pixels if self.pixels.ndim == 2 else self.pixels.max(-1)

    def _packed(self) -> np.ndarray:
        if self.pixels.dtype == bool:
            return self._grey() * WHITE
        if self.pixels.dtype != np.uint8:
            raise DataError(
                f"{self.path} holds {self.pixels.dtype} values, the other masks colours of 8 bits; save it as they are"
            )
        return pack(self.pixels if self.pixels.ndim == 3 else self.pixels[..., None].repeat(3, -1))


def pack(colours: np.ndarray) -> np.ndarray:
    """Colours (..., 3) of 8 bits as one number each.

    Example:
        >>> hex(pack(np.array([255, 128, 1])))
        '0xff8001'
    """
    return colours.astype(np.int64) @ np.array([65536, 256, 1])


def read_mask_file(path: Path, page: int | None = None) -> MaskFile:
    """What a mask file holds.

    Args:
        path: An image file.
        page: Page of a multi-page TIFF, counted from 0.

    Raises:
        DataError: As :func:`edgewise.vision.data.pixels.read_pixels`.
    """
    return decode(path, page, lambda image: _layers(image, path), lambda pixels: _of_array(pixels, path))


def _layers(image: Any, path: Path) -> MaskFile:
    image = upright(image)
    index = np.array(image) if image.mode == "P" else None
    # In a GIF, transparency is a way to draw the next frame.
    clear = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or ("transparency" in image.info and image.format != "GIF")
    alpha = np.array(image.convert("RGBA"))[..., 3] if clear else None
    return MaskFile(path, pixels_of(image), index, alpha)


def _of_array(pixels: np.ndarray, path: Path) -> MaskFile:
    if pixels.ndim == 2:
        return MaskFile(path, pixels)
    return MaskFile(path, pixels[..., :3], alpha=pixels[..., 3] if pixels.shape[-1] == 4 else None)
