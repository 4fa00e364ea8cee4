"""Which intensities become 0 and 1: a window, percentiles or deviations, of each picture or of a whole set."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data.pixels import is_deep, read_pixels
from edgewise.vision.data.sample import Sample, Scale

HOUNSFIELD = {
    "lung": (-600, 1500),
    "mediastinum": (50, 350),
    "soft tissue": (50, 400),
    "liver": (30, 150),
    "bone": (400, 1800),
    "brain": (40, 80),
}
"""Level and width in Hounsfield units, of "Windowing (CT)", radiopaedia.org: half the width below and above the level."""
Kind = Literal["range", "window", "percentiles", "zscore", "lung", "mediastinum", "soft tissue", "liver", "bone", "brain"]
SPREAD = 4.0
"""Deviations from the mean that become 0 and 1; what is brighter or darker is clipped."""
DRAWN = 10_000
"""Pixels of each picture by which percentiles of a set are found."""


@dataclass(frozen=True)
class Percentiles(Scale):
    """The percentiles of each picture.

    Example:
        >>> Percentiles(25, 75).limits(np.arange(101))
        (25.0, 75.0)
    """

    kind: ClassVar[str] = "percentiles"
    low: float = 0.5
    high: float = 99.5

    def limits(self, pixels: np.ndarray) -> tuple[float, float]:
        low, high = np.percentile(pixels, [self.low, self.high])
        return float(low), float(high)


@dataclass(frozen=True)
class Deviations(Scale):
    """So many standard deviations of a picture below and above its mean: a z-score, ``0.5 + z / (2 count)``.

    Example:
        >>> Deviations(2).limits(np.array([1.0, 3.0]))
        (0.0, 4.0)
    """

    kind: ClassVar[str] = "deviations"
    count: float = SPREAD

    def limits(self, pixels: np.ndarray) -> tuple[float, float]:
        mean, deviation = float(pixels.mean(dtype=np.float64)), float(pixels.std(dtype=np.float64))
        return mean - self.count * deviation, mean + self.count * deviation


SCALES: dict[str, type[Scale]] = {kind.kind: kind for kind in (Percentiles, Deviations)}


def scale_from(values: Mapping[str, Any] | None) -> Scale | None:
    """What :meth:`Scale.to_dict` gave."""
    return None if values is None else SCALES[values["kind"]](**{key: v for key, v in values.items() if key != "kind"})


@dataclass(frozen=True, kw_only=True)
class Intensity:
    """Which intensities become 0 and 1; what lies beyond is clipped.

    Raises:
        ConfigError: The two ends are missing, or not two numbers of which the first is smaller.
    """

    scale: Kind = "range"
    """range (8 bits as they are, more by the smallest and largest value of the set), window (low to high), percentiles,
    zscore (4 deviations below and above the mean), or a window in Hounsfield units."""
    low: float | None = None
    """What becomes 0: of a window an intensity, of percentiles a percentage, 0.5 if left out."""
    high: float | None = None
    """What becomes 1: of a window an intensity, of percentiles a percentage, 99.5 if left out."""
    over: Literal["set", "picture"] = "set"
    """Whether percentiles and zscore are those of the whole set or of each picture."""

    def __post_init__(self):
        if (self.low is None) != (self.high is None) or (self.scale == "window" and self.low is None):
            raise ConfigError(f"intensity.low is {self.low} and intensity.high is {self.high}: give both ends")
        if self.low is not None and self.scale not in ("window", "percentiles"):
            raise ConfigError(f"intensity.low is {self.low} and intensity.scale {self.scale!r} has no ends to be given")
        low, high = self.ends
        if low >= high or (self.scale == "percentiles" and not 0 <= low < high <= 100):
            raise ConfigError(f"intensity.low is {low:g} and intensity.high {high:g}: the first must be the smaller one")
        if self.over == "picture" and self.scale not in ("percentiles", "zscore"):
            raise ConfigError(
                f"intensity.over is 'picture' and intensity.scale {self.scale!r} is the same for all pictures"
            )

    @property
    def ends(self) -> tuple[float, float]:
        """The two numbers that a window or percentiles have."""
        if self.low is not None and self.high is not None:
            return self.low, self.high
        if self.scale in HOUNSFIELD:
            level, width = HOUNSFIELD[self.scale]
            return level - width / 2, level + width / 2
        return 0.5, 99.5


def with_intensity(samples: Sequence[Sample], intensity: Intensity) -> tuple[Sample, ...]:
    """The samples, read by these intensities; those of ``range`` as they are.

    Args:
        samples: The whole set.
        intensity: Which intensities.

    Raises:
        DataError: A picture cannot be read, has no Hounsfield units, or has another depth than the others where all share
            one scale.
    """
    scale, (low, high) = intensity.scale, intensity.ends
    if scale == "range":
        return tuple(samples)
    if intensity.over == "picture":
        rule = Percentiles(low, high) if scale == "percentiles" else Deviations()
        return tuple(replace(sample, window=None, scale=rule) for sample in samples)
    deep = [is_deep(sample.image) for sample in samples]
    if scale in HOUNSFIELD and not all(deep):
        raise DataError(
            f"{samples[deep.index(False)].image} has 8 bits and no Hounsfield units, of which intensity.scale={scale!r} "
            "is: save pictures with their own values, or choose another scale"
        )
    if scale in ("percentiles", "zscore"):
        if len(set(deep)) > 1:
            raise DataError(
                f"{samples[deep.index(True)].image} has more than 8 bits and {samples[deep.index(False)].image} has 8, so "
                "they have no scale in common: give intensity.over='picture'"
            )
        pictures = (read_pixels(sample.image, sample.page) for sample in samples)
        low, high = _percentiles(pictures, low, high) if scale == "percentiles" else _deviations(pictures)
    window = (float(low), float(high) if high > low else float(low) + 1)
    return tuple(replace(sample, window=window, scale=None) for sample in samples)


def _percentiles(pictures: Iterable[np.ndarray], low: float, high: float) -> tuple[float, float]:
    """The percentiles of a set, by at most 10,000 pixels of each picture."""
    rng = np.random.default_rng(0)
    drawn = [p.ravel() if p.size <= DRAWN else rng.choice(p.ravel(), DRAWN, replace=False) for p in pictures]
    ends = np.percentile(np.concatenate(drawn).astype(np.float64), [low, high])
    return float(ends[0]), float(ends[1])


def _deviations(pictures: Iterable[np.ndarray]) -> tuple[float, float]:
    """Four deviations below and above the mean of all pixels of a set."""
    sums = np.sum([[p.size, p.sum(dtype=np.float64), np.square(p, dtype=np.float64).sum()] for p in pictures], axis=0)
    mean = sums[1] / sums[0]
    deviation = max(sums[2] / sums[0] - mean**2, 0.0) ** 0.5
    return mean - SPREAD * deviation, mean + SPREAD * deviation
