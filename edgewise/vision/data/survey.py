"""What all mask files of a set hold, counted: the rule for reading them is found from this, not file by file."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgewise.vision.data.mask_file import MaskFile, Plane

PHOTO = 4096
"""From so many colours on, colours are those of a photo and none is a class."""


@dataclass
class Histogram:
    """The values of one plane over many files.

    Attributes:
        pixels: How many pixels have each value.
        flat: How many of these lie in a square of 2 x 2 pixels of one value: nearly all of a class or an instance, few of
            a soft edge.
        files: How many files were counted.
        several: How many of them hold two values or more beside 0.
    """

    pixels: Counter[int] = field(default_factory=Counter)
    flat: Counter[int] = field(default_factory=Counter)
    files: int = 0
    several: int = 0

    def add(self, values: np.ndarray) -> None:
        """Count a file's values, whole numbers ``(H, W)``."""
        found = _count(values)
        self.pixels.update(found)
        self.flat.update(_count(values[_flat(values)]))
        self.files += 1
        self.several += len(found.keys() - {0}) > 1

    @property
    def values(self) -> list[int]:
        """The values that occur, ascending."""
        return sorted(self.pixels)

    def flat_share(self, values: Iterable[int]) -> float:
        """Which part of the pixels of these values is flat; 0 where there are none."""
        values = list(values)
        return sum(self.flat[v] for v in values) / max(1, sum(self.pixels[v] for v in values))


@dataclass
class Survey:
    """The planes of all mask files of a set.

    Attributes:
        grey: Of files without colours.
        colour: Of files with colours.
        index: Entries of palettes.
        alpha: Of files with alpha.
        opaque: Colours of what is not transparent, where there is alpha.
        files: Files in all, and of those lossy ones, 1-bit ones, ones with a palette and ones with alpha.
        fraction: Largest value of files of floats that are no whole numbers; None: there are none.
        palettes: The colours that each entry of a palette has, over all files.
        coloured: The first file with colours.
    """

    grey: Histogram = field(default_factory=Histogram)
    colour: Histogram = field(default_factory=Histogram)
    index: Histogram = field(default_factory=Histogram)
    alpha: Histogram = field(default_factory=Histogram)
    opaque: Counter[int] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    fraction: float | None = None
    palettes: dict[int, set[int]] = field(default_factory=dict)
    coloured: Path | None = None

    def add(self, mask: MaskFile) -> None:
        """Count a file."""
        one_bit = mask.pixels.dtype == bool
        self.files.update({"all": 1, "lossy": mask.lossy, "one bit": one_bit, "palette": mask.index is not None})
        if mask.alpha is not None:
            self.files["alpha"] += 1
            self.alpha.add(mask.alpha)
            if mask.pixels.dtype == np.uint8 and len(self.opaque) < PHOTO:
                self.opaque.update(_count(mask.plane("colour")[mask.alpha > 0]))
        if mask.index is not None:
            self._add_palette(mask, mask.index)
        if one_bit:
            return  # its True is whatever foreground is in the others
        if mask.pixels.dtype.kind == "f" and (mask.pixels != np.floor(mask.pixels)).any():
            self.fraction = max(self.fraction or 0, float(mask.pixels.max()))
        else:
            plane: Plane = "grey" if mask.is_grey else "colour"
            histogram = self.grey if mask.is_grey else self.colour
            self.coloured = self.coloured or (None if mask.is_grey else mask.path)
            if len(histogram.pixels) < PHOTO:
                values = mask.plane(plane)
                # Compression makes areas uneven: in steps of 16 they are flat again.
                histogram.add(values // 16 * 16 if mask.lossy and mask.is_grey else values)

    def _add_palette(self, mask: MaskFile, index: np.ndarray) -> None:
        self.index.add(index)
        colours = mask.plane("colour")
        entries, first = np.unique(index, return_index=True)
        for entry, colour in zip(entries.tolist(), colours.ravel()[first].tolist(), strict=True):
            self.palettes.setdefault(entry, set()).add(colour)


def survey(files: Iterable[MaskFile]) -> Survey:
    """Count what all these hold."""
    found = Survey()
    for mask in files:
        found.add(mask)
    return found


def _count(values: np.ndarray) -> dict[int, int]:
    if values.dtype == np.uint8:  # ten times faster
        counts = np.bincount(values.ravel(), minlength=256)
        return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    there, counts = np.unique(values, return_counts=True)
    return dict(zip(there.astype(np.int64).tolist(), counts.tolist(), strict=True))


def _flat(values: np.ndarray) -> np.ndarray:
    """Whether each pixel lies in a square of 2 x 2 pixels of one value, ``(H, W)``."""
    square = (
        (values[1:, 1:] == values[:-1, 1:]) & (values[1:, :-1] == values[:-1, :-1]) & (values[1:, 1:] == values[:-1, :-1])
    )
    flat = np.zeros(values.shape, bool)
    for rows in (slice(1, None), slice(None, -1)):
        for across in (slice(1, None), slice(None, -1)):
            flat[rows, across] |= square
    return flat
