r"""Equations of motion in weak form: with test functions, so that no derivative of measured states is taken."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

ORDER = 6  # of the differences that leave the noise of a smooth series
POWER = 6  # of the test functions: with so many derivatives 0 at the ends the trapezoidal rule is exact to many digits
LEAST = 10  # samples in half a window
SHARES = (50, 25, 12)  # of the series: half the widths of the test functions
NOISY = 1e-4  # noise, relative to the spread, from which on states are smoothed before they enter functions


class Windows(NamedTuple):
    r"""Test functions :math:`\psi` on a series, each divided by the norm of its second row: quadratures as matrices.

    Args:
        values: :math:`\int \psi\, g\, dt \approx` ``values @ g``, ``(rows, n)``.
        slopes: :math:`\int \psi'\, g\, dt \approx` ``slopes @ g``, ``(rows, n)``, each row of norm 1.
    """

    values: Tensor
    slopes: Tensor


def windows(t: Tensor) -> Windows:
    r""":math:`\psi(s) = (1 - s^2)^p` on windows of three widths that overlap (Messenger and Bortz, arXiv:2007.04848).

    Since :math:`\psi` vanishes at both ends, :math:`\int \psi\, x'\, dt = -\int \psi'\, x\, dt`.

    Args:
        t: Times ``(n,)`` that rise.

    Example:
        >>> t = torch.linspace(0, 1, 500).double()
        >>> psi = windows(t)
        >>> x = torch.exp(-t)
        >>> bool((psi.slopes @ x - psi.values @ x).abs().max() < 1e-6)  # x' = -x
        True
    """
    count = len(t)
    steps = t.diff()
    weights = torch.cat([steps[:1], steps[1:] + steps[:-1], steps[-1:]]) / 2
    values, slopes = [], []
    for share in SHARES:
        half = max(LEAST, count // share)
        centres = torch.arange(half, count - half, max(1, half // 3))
        a, b = t[centres - half].unsqueeze(1), t[centres + half].unsqueeze(1)
        s = ((2 * t - a - b) / (b - a)).clamp(-1, 1)
        psi, slope = (1 - s * s) ** POWER, -4 * POWER * s * (1 - s * s) ** (POWER - 1) / (b - a)
        size = (slope * weights).norm(dim=1, keepdim=True)
        values.append(psi * weights / size)
        slopes.append(slope * weights / size)
    return Windows(torch.cat(values), torch.cat(slopes))


def noise(x: Tensor) -> Tensor:
    """Standard deviations ``(d,)`` of the noise in smooth series ``(n, d)``, from their differences of high order.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> t = torch.linspace(0, 6, 2000).double()
        >>> found = noise((torch.sin(t) + 0.1 * torch.randn(2000)).unsqueeze(1)).item()
        >>> abs(found - 0.1) < 0.01
        True
    """
    rest = x.diff(ORDER, dim=0) / math.comb(2 * ORDER, ORDER) ** 0.5
    return rest.abs().median(0).values / 0.6745  # the median of a normal deviate's size


def smoothed(t: Tensor, x: Tensor) -> Tensor:
    """Each state by the cubic that is nearest to those about it, a hundredth of the series to both sides."""
    count, half = len(t), max(2, len(t) // 100)
    first = (torch.arange(count) - half).clamp(0, count - 2 * half - 1)
    rows = first.unsqueeze(1) + torch.arange(2 * half + 1)
    s = (t[rows] - t.unsqueeze(1)) / (t[rows[:, -1:]] - t[rows[:, :1]])
    powers = torch.stack([s**j for j in range(4)], 2)  # (n, window, 4)
    return (torch.linalg.pinv(powers)[:, :1] @ x[rows])[:, 0]
