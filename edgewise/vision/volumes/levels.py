"""Which intensities of scans become 0 and 1."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from edgewise.vision.data.intensity import HOUNSFIELD, SPREAD, Deviations, Intensity, Percentiles
from edgewise.vision.data.sample import Scale
from edgewise.vision.volumes.sample import VolumeSample

DRAWN = 100_000
"""Voxels of each scan by which percentiles of a set are found."""


def find_levels(samples: Sequence[VolumeSample], intensity: Intensity) -> tuple[tuple[float, float] | None, Scale | None]:
    """The window for all scans, or the rule by which each has its own; one of them is None.

    Args:
        samples: The training scans, of which the window is where it is the set's.
        intensity: Which intensities.

    Raises:
        DataError: A scan cannot be read.
    """
    kind, (low, high) = intensity.scale, intensity.ends
    if kind == "range" and all(sample.window for sample in samples):
        return samples[0].window, None
    if intensity.over == "picture":
        return None, Percentiles(low, high) if kind == "percentiles" else Deviations()
    if kind not in HOUNSFIELD and kind != "window":
        low, high = _of_the_set(_arrays(samples), kind, low, high)
    return (low, high if high > low else low + 1), None


def _arrays(samples: Iterable[VolumeSample]) -> Iterator[np.ndarray]:
    """The voxels of scans in their own units, one scan after the other."""
    for sample in samples:
        yield replace(sample, window=None, scale=None).read_image().array


def _of_the_set(arrays: Iterable[np.ndarray], kind: str, low: float, high: float) -> tuple[float, float]:
    """The two ends by the voxels of all scans, as numbers that add up, so that one scan is in memory at a time."""
    rng, ends, drawn, sums = np.random.default_rng(0), [], [], np.zeros(3)
    for array in arrays:
        if kind == "range":
            ends += [float(array.min()), float(array.max())]
        elif kind == "percentiles":
            voxels = array.ravel()
            drawn.append(voxels if voxels.size <= DRAWN else rng.choice(voxels, DRAWN, replace=False))
        else:
            sums += (array.size, array.sum(dtype=np.float64), np.square(array, dtype=np.float64).sum())
    if kind == "range":
        return min(ends), max(ends)
    if kind == "percentiles":
        first, last = np.percentile(np.concatenate(drawn).astype(np.float64), [low, high])
        return float(first), float(last)
    mean = sums[1] / sums[0]
    deviation = max(sums[2] / sums[0] - mean**2, 0.0) ** 0.5
    return mean - SPREAD * deviation, mean + SPREAD * deviation
