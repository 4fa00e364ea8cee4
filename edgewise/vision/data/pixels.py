"""Decode one image file into an array; every way in which that can fail is a one-line `DataError`."""

from pathlib import Path

import numpy as np

from edgewise._ground.errors import DataError
from edgewise._ground.optional import require

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


def read_pixels(path: Path, page: int | None = None) -> np.ndarray:
    """The pixels of an image file as stored, upright and without alpha.

    Palettes, CMYK and other colour spaces become RGB; EXIF rotation is applied; 1-bit files are boolean. Colour of 16
    bits comes in the 8 that Pillow reads.

    Args:
        path: PNG, JPEG, BMP or TIFF file.
        page: Page of a multi-page TIFF, counted from 0; None where the file holds one picture.

    Returns:
        ``(H, W)`` or ``(H, W, 3)`` in the file's own type (bool, uint8, uint16, int32 or float32).

    Raises:
        DataError: The file is missing, is no image, is truncated, or holds several pages and none was named.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist or is not a file; check the path and the file's name")
    try:
        return _decode(path, page)
    except DataError:
        raise
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, ... on broken bytes
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} cannot be read as an image ({reason}); replace the file, it may be truncated") from error


def _decode(path: Path, page: int | None) -> np.ndarray:
    image_module = require("PIL.Image", extra="data")
    try:
        # By file, not by name: given a name, Pillow 13 maps raw TIFFs into memory and garbles those with a rotation.
        with path.open("rb") as file, image_module.open(file) as image:
            return _from_pillow(image, path, page)
    except image_module.UnidentifiedImageError:
        if path.suffix.lower() not in (".tif", ".tiff"):
            raise
        return _from_tifffile(path, page)


def _from_pillow(image, path: Path, page: int | None) -> np.ndarray:
    pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
    _check_page(path, page, pages)
    if page:
        image.seek(page)
    upright = require("PIL.ImageOps", extra="data").exif_transpose(image)
    if upright.mode in ("LA", "La"):
        upright = upright.convert("L")
    elif upright.mode in ("P", "PA"):
        upright = upright.convert("RGBA").convert("RGB")  # by way of RGBA: a palette may hold transparent colours
    elif upright.mode not in ("1", "L", "RGB", "I", "F") and not upright.mode.startswith("I;16"):
        upright = upright.convert("RGB")
    pixels = np.array(upright)
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


def _from_tifffile(path: Path, page: int | None) -> np.ndarray:
    """TIFFs that Pillow does not know, such as the frames of CVC-ClinicDB: three channels declared as grey."""
    with require("tifffile", extra="data").TiffFile(path) as tiff:
        _check_page(path, page, len(tiff.pages))
        pixels = tiff.pages[page or 0].asarray()
    return pixels[..., :3] if pixels.ndim == 3 else pixels


def _check_page(path: Path, page: int | None, pages: int) -> None:
    if page is None and pages > 1:
        raise DataError(f"{path} holds {pages} pages and a sample is one of them; save each page as a file of its own")
    if page is not None and not 0 <= page < pages:
        raise DataError(f"{path} has no page {page}; it holds pages 0 to {pages - 1}")
