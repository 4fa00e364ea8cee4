"""Masks, probabilities and outlines as picture files."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgewise._ground.optional import require
from edgewise.io import atomic_write

Colour = tuple[int, int, int]


def palette(colours: Sequence[str]) -> list[Colour]:
    """The colour of each foreground class, red, green and blue from 0 to 255.

    Args:
        colours: As ``#rrggbb``, the background's first, such as those of a :class:`~edgewise.vision.data.Legend`.

    Example:
        >>> palette(["#000000", "#e69f00"])
        [(230, 159, 0)]
    """
    return [(colour[0], colour[1], colour[2]) for colour in (bytes.fromhex(text[1:]) for text in colours[1:])]


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
    write_pixels(path, overlay(image, labels, colours))


def write_pixels(path: Path, pixels: np.ndarray) -> None:
    """Write RGB bytes (H, W, 3) as PNG.

    Raises:
        CheckpointError: The file cannot be written.
    """
    _write_png(path, require("PIL.Image", extra="data").fromarray(pixels))


def overlay(image: np.ndarray, labels: np.ndarray, colours: Sequence[Colour]) -> np.ndarray:
    """The picture (C, H, W) in [0, 1] with the outline of each foreground class in its colour, as RGB bytes (H, W, 3)."""
    base = image if len(image) == 3 else image[:1]
    pixels = np.empty((*image.shape[1:], 3), np.uint8)
    for channel in range(3):  # one at a time, since a picture may be large
        pixels[..., channel] = np.rint(base[channel % len(base)] * np.float32(255))
    for index, colour in enumerate(colours, start=1):
        pixels[_outline(labels == index)] = colour
    return pixels


def _outline(mask: np.ndarray) -> np.ndarray:
    """The pixels of a mask that have others beside them; the picture's frame is none of these."""
    inside = np.pad(mask, 1, mode="edge")
    return mask & ~(inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:])


def _write_png(path: Path, image) -> None:
    buffer = io.BytesIO()
    image.save(buffer, format="png")
    atomic_write(path, buffer.getbuffer())
