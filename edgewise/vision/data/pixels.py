"""Decode one image file into an array; every way in which that can fail is a one-line `DataError`."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from edgewise._ground.errors import DataError
from edgewise._ground.optional import require

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp")
LOSSY = (".jpg", ".jpeg", ".webp")
Taken = TypeVar("Taken")


def picture_files(paths: Iterable[str | Path]) -> list[Path]:
    """The paths, and in the place of each folder the picture files in it, by name; hidden ones are left out.

    Raises:
        DataError: A folder holds none.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            files.append(path)
            continue
        there = [p for p in sorted(path.iterdir()) if p.suffix.lower() in EXTENSIONS and not p.name.startswith(".")]
        if not there:
            raise DataError(f"{path} holds no pictures; name a folder of {', '.join(EXTENSIONS)} files, or the files")
        files += there
    return files


def read_pixels(path: Path, page: int | None = None) -> np.ndarray:
    """The pixels of an image file as stored, upright and without alpha.

    Palettes, CMYK and other colour spaces become RGB; EXIF rotation is applied; 1-bit files are boolean. Colour of 16
    bits comes as such from TIFF, and in its upper 8 bits from PNG.

    Args:
        path: PNG, JPEG, BMP, TIFF, GIF or WebP file.
        page: Page of a multi-page TIFF, counted from 0; None where the file holds one picture.

    Returns:
        ``(H, W)`` or ``(H, W, 3)`` in the file's own type (bool, uint8, uint16, int32, float32 or float64).

    Raises:
        DataError: The file is missing, is no image, is truncated, or holds several pages and none was named.
    """
    return decode(path, page, pixels_of, _without_alpha)


def decode(path: Path, page: int | None, take: Callable[[Any], Taken], wrap: Callable[[np.ndarray], Taken]) -> Taken:
    """What is taken from an image file that was opened.

    Args:
        path: The file.
        page: As in :func:`read_pixels`.
        take: From Pillow's image, as it lies in the file, to what is wanted.
        wrap: The same from the array ``(H, W)`` or ``(H, W, C)`` of a TIFF that Pillow cannot read.

    Raises:
        DataError: As :func:`read_pixels`.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist or is not a file; check the path and the file's name")
    try:
        return _decode(path, page, take, wrap)
    except DataError as error:
        raise DataError(str(error) if str(path) in str(error) else f"{path}: {error}") from error
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, ... on broken bytes
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} cannot be read as an image ({reason}); replace the file, it may be truncated") from error


def size_of(path: Path, page: int | None = None) -> tuple[int, int]:
    """Height and width of a picture file, upright. Reads the header alone.

    Args:
        path: The file.
        page: As in :func:`read_pixels`.

    Raises:
        DataError: As :func:`read_pixels`.
    """
    width, height = decode(path, page, lambda image: upright(image).size, lambda pixels: pixels.shape[1::-1])
    return height, width


def is_deep(path: Path) -> bool:
    """Whether the values of a picture have no scale of their own: more than 8 bits, or floats. Reads the header alone.

    Raises:
        DataError: The file is missing or is no image.
    """
    return decode(
        path,
        0,
        take=lambda image: image.mode in ("I", "F") or image.mode.startswith("I;16"),
        wrap=lambda pixels: pixels.dtype not in (np.uint8, np.bool_),
    )


def _decode(path: Path, page: int | None, take: Callable, wrap: Callable) -> Any:
    image_module = require("PIL.Image", extra="data")
    try:
        # By file, not by name: given a name, Pillow 13 maps raw TIFFs into memory and garbles those with a rotation.
        with path.open("rb") as file, image_module.open(file) as image:
            _check_page(path, page, getattr(image, "n_frames", 1) if image.format in ("TIFF", "GIF") else 1)
            if page:
                image.seek(page)
            if not _is_deep_colour(image):
                return take(image)
    except image_module.UnidentifiedImageError:
        if path.suffix.lower() not in (".tif", ".tiff"):
            raise
    return wrap(_from_tifffile(path, page))


def _is_deep_colour(image: Any) -> bool:
    """Whether it is colour of more than 8 bits in a TIFF, of which Pillow would read 8."""
    if image.format != "TIFF" or image.mode not in ("RGB", "RGBA"):
        return False
    return max(image.tag_v2.get(258, (8,))) > 8 and image.tag_v2.get(274, 1) == 1


def pixels_of(image: Any) -> np.ndarray:
    """The pixels of Pillow's image, as :func:`read_pixels` returns them."""
    halved = image.format == "PNG" and image.mode in ("RGB", "RGBA") and "16" in str([part[3] for part in image.tile])
    image = upright(image)
    if halved and 0 < max(high for _, high in image.convert("RGB").getextrema()) < 64:
        raise DataError("of colours of 16 bits in PNG, the upper 8 are read, and next to none are used: save it as TIFF")
    if image.mode in ("LA", "La"):
        image = image.convert("L")
    elif image.mode in ("P", "PA"):
        image = image.convert("RGBA").convert("RGB")  # by way of RGBA: a palette may hold transparent colours
    elif image.mode not in ("1", "L", "RGB", "I", "F") and not image.mode.startswith("I;16"):
        image = image.convert("RGB")
    pixels = np.array(image)
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


def upright(image: Any) -> Any:
    """Pillow's image, turned as its EXIF says."""
    return require("PIL.ImageOps", extra="data").exif_transpose(image)


def _from_tifffile(path: Path, page: int | None) -> np.ndarray:
    """TIFFs that Pillow does not know, such as the frames of CVC-ClinicDB: three channels declared as grey."""
    with require("tifffile", extra="data").TiffFile(path) as tiff:
        _check_page(path, page, len(tiff.pages))
        found = tiff.pages[page or 0]
        pixels = found.asarray()
    return np.moveaxis(pixels, 0, -1) if pixels.ndim == 3 and found.planarconfig == 2 else pixels


def _without_alpha(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., :3] if pixels.ndim == 3 else pixels


def _check_page(path: Path, page: int | None, pages: int) -> None:
    if page is None and pages > 1:
        raise DataError(f"{path} holds {pages} pages and a sample is one of them; save each page as a file of its own")
    if page is not None and not 0 <= page < pages:
        raise DataError(f"{path} has no page {page}; it holds pages 0 to {pages - 1}")
