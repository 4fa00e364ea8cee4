"""Weights in time: a law counts at a time only as far as it holds before that."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.numbers import check_whole

REACHED = 0.5  # a slice of at least this weight counts as reached


@dataclass(frozen=True)
class Causal:
    r"""Weights of the slices of time of a law, :math:`w_i = \max(w_{\min}, \exp(-\epsilon \sum_{k < i} L_k))`.

    :math:`L_k` is the mean square by which the law fails in slice k. A network that must hold a law at all times at once
    may settle for a solution that forgets how it began. With these weights a time counts for little until the law holds
    before it (Wang, Sankaran and Perdikaris, "Respecting causality is all you need", arXiv:2203.07404). When the law holds
    at all times, all weights are near 1.

    The formula without its bound is the paper's. Slices of equal length are a choice made here, and so is the bound: where
    a weight is 0, a Gauss-Newton step takes whatever it likes, and solutions ran away to 1e36. The paper raises
    :math:`\epsilon` in stages from 0.01; Gauss-Newton has settled on a wrong solution by then, so it is large at once.

    Args:
        column: That of time in a row of the points.
        slices: Number of slices of time, from the first point to the last.
        epsilon: How strictly earlier times come first, in units of one over the mean square of the law.
        least: :math:`w_{\min}`.

    Raises:
        ConfigError: Fewer than two slices, no positive ``epsilon``, a ``least`` that is not between 0 and 1, or a column
            that is no whole number.

    Example:
        >>> times = torch.tensor([0.0, 0.4, 0.6, 1.0])
        >>> Causal(slices=2, epsilon=1.0).weights(times, torch.tensor([1.0, 3.0, 5.0, 5.0])).tolist()  # 1 and exp(-2)
        [1.0, 0.1353352832366127]
    """

    column: int = -1
    slices: int = 32
    epsilon: float = 100.0
    least: float = 1e-5

    def __post_init__(self):
        check_whole(2, slices=self.slices)
        if not isinstance(self.column, int):
            raise ConfigError(f"column is the number of a column, such as -1 for the last, got {self.column!r}")
        if not 0 < self.epsilon < math.inf:
            raise ConfigError(f"epsilon must be positive and finite, got {self.epsilon}")
        if not 0 < self.least < 1:
            raise ConfigError(f"least is a weight between 0 and 1, got {self.least}")

    def times(self, points: Tensor) -> Tensor:
        """The times of points ``(N, d)``, ``(N,)``.

        Raises:
            ConfigError: There is no such column, or all are at one time.
        """
        columns = points.shape[1]
        if not -columns <= self.column < columns:
            raise ConfigError(f"time is to be column {self.column}, and the points have columns 0 to {columns - 1}")
        times = points[:, self.column].double()
        if times.min() == times.max():
            raise ConfigError(f"weights in time need points at several times, and all are at {float(times[0]):g}")
        return times

    def weights(self, times: Tensor, squares: Tensor) -> Tensor:
        """The weight of each slice, ``(slices,)``, in float64; a slice without points counts as one where the law holds.

        Args:
            times: Of the points, ``(N,)``.
            squares: By how much the law fails at each of them, squared, ``(N,)``.
        """
        place, squares = self.places(times), squares.double()
        total, count = (squares.new_zeros(self.slices).index_add(0, place, s) for s in (squares, torch.ones_like(squares)))
        losses = total / count.clamp_min(1)
        earlier = torch.cat([losses.new_zeros(1), losses[:-1]]).cumsum(0)
        return torch.exp(-self.epsilon * earlier).clamp_min(self.least)

    def places(self, times: Tensor) -> Tensor:
        """The number of the slice of each time, ``(N,)``."""
        low, high = times.min(), times.max()
        return ((times - low) / (high - low) * self.slices).long().clamp_max(self.slices - 1)

    def reached(self, times: Tensor, squares: Tensor) -> float:
        """The time up to which slices have a weight of at least one half."""
        low, high = float(times.min()), float(times.max())
        count = int((self.weights(times, squares) >= REACHED).sum())
        return high if count == self.slices else low + (high - low) * count / self.slices
