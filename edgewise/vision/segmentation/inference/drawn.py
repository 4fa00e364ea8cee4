"""Masks, probabilities and outlines as picture files."""

import colorsys
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgewise._ground.optional import require
from edgewise.io import atomic_write
from edgewise.vision.segmentation.figures import PREDICTION

Colour = tuple[int, int, int]
OKABE_ITO = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
"""Colours that colour-blind people tell apart (Okabe and Ito, 2008)."""
GOLDEN = 0.61803398875


def palette(foreground: int) -> list[Colour]:
    """A colour for each foreground class, red, green and blue from 0 to 255.

    Example:
        >>> palette(2)
        [(230, 159, 0), (86, 180, 233)]
    """
    if foreground == 1:
        return [_bytes(PREDICTION)]
    named = [_bytes(text) for text in OKABE_ITO[:foreground]]
    hues = ((number * GOLDEN) % 1 for number in range(foreground - len(named)))
    return [*named, *(_rounded(colorsys.hsv_to_rgb(hue, 0.75, 0.9)) for hue in hues)]


def write_mask(path: Path, labels: np.ndarray, colours: Sequence[Colour]) -> None:
    """Write classes (H, W) as PNG.

    Args:
        path: The file.
        labels: Class of each pixel.
        colours: Of each foreground class, for a palette; the pixels are the numbers of the classes. Without any, there is
            one foreground, and it is 255.

    Raises:
        CheckpointError: The file cannot be written.
    """
    pixels = labels.astype(np.uint8)
    image = require("PIL.Image", extra="data").fromarray(pixels if colours else pixels * 255)
    if colours:
        image.putpalette([0, 0, 0, *(part for colour in colours for part in colour)])
    _write_png(path, image)


def write_probability(path: Path, probability: np.ndarray) -> None:
    """Write probabilities (H, W) as a PNG of 16 bits, in which 65535 is 1.

    Raises:
        CheckpointError: The file cannot be written.
    """
    pixels = np.rint(probability * np.float32(65535)).astype(np.uint16)
    _write_png(path, require("PIL.Image", extra="data").fromarray(pixels))


def write_overlay(path: Path, image: np.ndarray, labels: np.ndarray, colours: Sequence[Colour]) -> None:
    """Write :func:`overlay` as PNG.

    Raises:
        CheckpointError: The file cannot be written.
    """
    _write_png(path, require("PIL.Image", extra="data").fromarray(overlay(image, labels, colours)))


def overlay(image: np.ndarray, labels: np.ndarray, colours: Sequence[Colour]) -> np.ndarray:
    """The picture (C, H, W) in [0, 1] with the outline of each foreground class in its colour, as RGB bytes (H, W, 3)."""
    base = image if len(image) == 3 else image[:1]
    pixels = np.empty((*image.shape[1:], 3), np.uint8)
    pixels[:] = np.rint(base.transpose(1, 2, 0) * np.float32(255))
    for index, colour in enumerate(colours, start=1):
        pixels[_outline(labels == index)] = colour
    return pixels


def _outline(mask: np.ndarray) -> np.ndarray:
    """The pixels of a mask that have others beside them; the picture's frame is none of these."""
    inside = np.pad(mask, 1, mode="edge")
    return mask & ~(inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:])


def _bytes(text: str) -> Colour:
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def _rounded(parts: tuple[float, float, float]) -> Colour:
    red, green, blue = (round(255 * part) for part in parts)
    return red, green, blue


def _write_png(path: Path, image) -> None:
    buffer = io.BytesIO()
    image.save(buffer, format="png")
    atomic_write(path, buffer.getbuffer())
