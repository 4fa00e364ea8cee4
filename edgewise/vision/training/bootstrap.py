"""How sure a score is: what bootstraps over groups have in common, whatever was scored."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

REPLICATES = 2000
SEED = 0
LEVEL = 0.95
FEW = 10
"""Of fewer groups, intervals are said to be too narrow."""


class Interval(NamedTuple):
    """From where to where."""

    low: float
    high: float

    def show(self, digits: int) -> str:
        """As readers see it.

        Example:
            >>> Interval(0.81, 0.9).show(3), Interval(-0.5, -0.1).show(1)
            ('0.810 to 0.900', '-0.5 to -0.1')
        """
        return f"{self.low:.{digits}f} to {self.high:.{digits}f}"


class Difference(NamedTuple):
    """Of a score of one method from that of another on the same cases, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def interval(self) -> Interval:
        """The interval alone."""
        return Interval(self.low, self.high)


def draws(units: int, replicates: int = REPLICATES, seed: int = SEED) -> Tensor:
    """How often each group is in each sample of as many groups, drawn with replacement, (replicates, units).

    Example:
        >>> draws(4).sum(1).unique().tolist()
        [4.0]
    """
    counts = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), size=replicates)
    return torch.from_numpy(counts).double()


def percentiles(values: Tensor) -> Interval | None:
    """From the 2.5th to the 97.5th percentile of the values of all samples, (replicates,), without those that are NaN.

    Example:
        >>> percentiles(torch.arange(1001.0)).show(1), percentiles(torch.tensor([torch.nan]))
        ('25.0 to 975.0', None)
    """
    known = values[~values.isnan()].numpy()
    ends = 100 * (1 - LEVEL) / 2
    return Interval(*np.percentile(known, [ends, 100 - ends]).tolist()) if len(known) else None


def paired(first: Tensor, second: Tensor, drawn: tuple[Tensor, Tensor]) -> Difference | None:
    """The difference of two scores with its interval; None where it is not defined.

    Args:
        first: Of one method, a number.
        second: Of another on the same cases.
        drawn: The scores of both on the same samples of these cases, ``(replicates,)`` each.

    Example:
        >>> samples = torch.arange(1001.0)
        >>> paired(torch.tensor(3.0), torch.tensor(1.0), (samples + 2, samples))
        Difference(value=2.0, low=2.0, high=2.0)
    """
    value, interval = (first - second).item(), percentiles(drawn[0] - drawn[1])
    return Difference(value, *interval) if value == value and interval else None


def sampling(units: int, images: int, grouped: bool) -> str:
    """What intervals are over, in words.

    Args:
        units: How many groups there are, with images of unknown group as groups of their own.
        images: How many images.
        grouped: Whether the group of any is known.

    Example:
        >>> sampling(12, 40, grouped=True)
        '95 % intervals by bootstrap over 12 groups'
    """
    if units < 2:
        return f"no intervals: all {images} images are of one group" if grouped else "no intervals: one image"
    drawn = f"{units} groups" if grouped else f"{images} images, whose groups are not known"
    few = "; of so few, they are too narrow" if units < FEW else ""
    return f"95 % intervals by bootstrap over {drawn}{few}"
