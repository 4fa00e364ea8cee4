"""The grey levels that become 0 and 1 in pictures of more than 8 bits: what a set has, not what its files could hold."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgewise._ground.errors import ConfigError, DataError, warn
from edgewise.vision.data.pixels import is_deep, read_pixels
from edgewise.vision.data.sample import Sample

Window = tuple[float, float]
SPREAD = 8
"""A range so many times wider than that of all but a thousandth of the pixels is worth a warning."""


def find_window(files: Sequence[tuple[Path, int | None]]) -> Window | None:
    """Smallest and largest value of all deep pictures of a set; None where all have 8 bits.

    12 bits come in files of 16, and CT in signed ones: the type of the file says nothing of the scale. Floats from 0 to 1
    keep their scale.

    Args:
        files: The pictures of the whole set, each with its page.

    Raises:
        DataError: A file is missing or broken, or has values that are no numbers.
    """
    deep = [(path, page) for path, page in files if is_deep(path)]
    if not deep:
        return None
    facts = np.array([_range(*file) for file in deep])
    low, high = float(facts[:, 0].min()), float(facts[:, 1].max())
    if low >= 0 and high <= 1 and facts[:, 4].all():
        return 0.0, 1.0
    most = facts[:, 3].max() - facts[:, 2].min()
    if high - low > SPREAD * max(most, 1e-12):
        warn(
            f"pictures have values from {low:g} to {high:g} and all but a thousandth lie from {facts[:, 2].min():g} to "
            f"{facts[:, 3].max():g}, which leaves little contrast: give window=[LOW, HIGH]"
        )
    return (low, high) if high > low else (low, low + 1)


def _range(path: Path, page: int | None) -> tuple[float, ...]:
    """Smallest and largest value, the bounds of all but a thousandth of the pixels, and whether they are floats."""
    pixels = read_pixels(path, page)
    if not np.isfinite(pixels).all():
        raise DataError(f"{path} has values that are NaN or infinite; replace them")
    low, high = np.percentile(pixels, [0.05, 99.95], method="nearest")
    return float(pixels.min()), float(pixels.max()), float(low), float(high), float(pixels.dtype.kind == "f")


def with_window(samples: Sequence[Sample], window: Sequence[float] | None) -> tuple[Sample, ...]:
    """The samples with one window for all of them; one that is found is that of pictures of more than 8 bits alone.

    Args:
        samples: The whole set.
        window: Lowest and highest value, for all pictures; None: what :func:`find_window` finds.

    Raises:
        ConfigError: The window is not two rising numbers.
        DataError: As :func:`find_window`.
    """
    if window is not None:
        numbers = isinstance(window, list | tuple) and all(isinstance(end, int | float) for end in window)
        if not numbers or len(window) != 2 or not window[0] < window[1]:
            raise ConfigError(f"window={window!r} must be two numbers, the lower one first")
        return tuple(replace(sample, window=(float(window[0]), float(window[1]))) for sample in samples)
    found = find_window([(sample.image, sample.page) for sample in samples])
    if found is None:
        return tuple(samples)
    return tuple(replace(sample, window=found) if is_deep(sample.image) else sample for sample in samples)
