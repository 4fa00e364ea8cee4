r"""Rational activations of groups of channels, and the initialisation that keeps the variance behind them."""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import unknown
from edgewise.nn.layer import check_dtype
from edgewise.nn.settings import HasSettings, settings_text
from edgewise.ops.rational import READINGS, Reading, group_rational

# Each is x / 2 + E(x) with an even E.
EVEN_PARTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "silu": lambda x: x / 2 * np.tanh(x / 2),
    "gelu": lambda x: x / 2 * np.vectorize(math.erf)(x / math.sqrt(2)),
    "relu": lambda x: np.abs(x) / 2,
}
Shared = Literal["numerator", "denominator"]
STARTS = ("identity", *EVEN_PARTS)
FITTED_ON = 6.0  # from minus to plus


@lru_cache
def rational_like(function: str, numerator: int = 5, denominator: int = 4) -> tuple[tuple[float, ...], tuple[float, ...]]:
    r"""Coefficients a and b of the rational function nearest to a known activation on [-6, 6].

    The denominator has even powers only, with coefficients of 0 or more, so both readings of it are the same; and the
    odd powers above are :math:`a_{j+1} = b_j / 2`, so that :math:`F(x) - F(-x) = x` holds exactly. The even ones are a
    least-squares fit by the iteration of Sanathanan and Koerner. Degrees 5 and 4 come within 3e-4 of SiLU, 5e-3 of GELU
    and 0.07 of ReLU.

    Args:
        function: ``"identity"``, ``"silu"``, ``"gelu"`` or ``"relu"``.
        numerator: m, at least 2 (at least 1 for the identity).
        denominator: n, at least 1.

    Raises:
        ConfigError: An unknown function, or degrees that cannot come near it.

    Example:
        >>> rational_like("identity", numerator=2, denominator=1)
        ((0.0, 1.0, 0.0), (0.0,))
    """
    if function not in STARTS:
        raise unknown("function to start from", function, STARTS)
    a, b = np.zeros(numerator + 1), np.zeros(denominator)
    if function == "identity":
        a[1] = 1
        return tuple(a.tolist()), tuple(b.tolist())
    if numerator < 2:
        raise _too_few(function, numerator, denominator)
    x = np.linspace(0, FITTED_ON, 400)
    above, below = range(2, numerator + 1, 2), range(2, min(denominator, numerator - 1) + 1, 2)
    wanted, size, found = EVEN_PARTS[function](x), np.ones_like(x), np.zeros(len(above) + len(below))
    for _ in range(60):
        columns = [x**j for j in above] + [-wanted * x**j for j in below]
        found = np.linalg.lstsq(np.stack(columns, 1) / size[:, None], wanted / size, rcond=None)[0]
        size = np.ones_like(x) + sum(c * x**j for c, j in zip(found[len(above) :], below, strict=True))
    a[1] = 0.5
    a[list(above)] = found[: len(above)]
    for c, j in zip(found[len(above) :], below, strict=True):
        b[j - 1], a[j + 1] = c, c / 2
    values = sum(c * x**j for j, c in enumerate(a)) / size
    if b.min() < 0 or np.abs(values - wanted - x / 2).max() > 0.1:
        raise _too_few(function, numerator, denominator)
    return tuple(a.tolist()), tuple(b.tolist())


def _too_few(function: str, numerator: int, denominator: int) -> ConfigError:
    advice = "take 5 and 4, or start from 'identity'"
    return ConfigError(f"degrees {numerator} and {denominator} cannot come near {function!r}: {advice}")


class GroupRational(HasSettings):
    r"""Rational functions :math:`F(x) = (a_0 + \dots + a_m x^m) / Q(x)`, one to a group of neighbouring channels.

    The activation of KAT's group-rational KAN layer, ``linear(F(x))`` (Yang and Wang, arXiv:2409.10594, equations 8-17).
    Only the input is saved for the backward; gradients of coefficients are summed block by block, then in float64.

    Args:
        channels: Size of the last dimension, a multiple of ``groups``.
        groups: Number of groups.
        degrees: m and n.
        reading: Of the denominator: ``"sum"``, :math:`Q = 1 + |b_1 x + \dots + b_n x^n|`, is the paper's; ``"terms"``,
            :math:`Q = 1 + |b_1 x| + \dots + |b_n x^n|`, that of its code. They are the same at the start.
        shared: Which coefficients all groups share: the ``"numerator"`` as in the code (and by the paper's count,
            m + 1 + n groups), the ``"denominator"`` as in the paper's text, or None.
        start: What F is like: ``"identity"``, ``"silu"``, ``"gelu"`` or ``"relu"``.
        device: Where the parameters live.
        dtype: What they are.

    Attributes:
        numerator: a, ``(groups, m + 1)``, or ``(1, m + 1)`` if shared.
        denominator: b, ``(groups, n)``, or ``(1, n)`` if shared.

    Shape:
        ``(*, channels) -> (*, channels)``

    Raises:
        ConfigError: Channels that do not divide, an unknown reading or start, or an input of other channels.

    Example:
        >>> layer = GroupRational(64)
        >>> sum(p.numel() for p in layer.parameters())
        38
        >>> (layer(torch.ones(2, 64)) - nn.functional.silu(torch.ones(2, 64))).abs().max() < 1e-3
        tensor(True)
    """

    coefficients: ClassVar[tuple[str, ...]] = ("numerator", "denominator")
    reading: Reading

    def __init__(
        self,
        channels: int,
        groups: int = 8,
        degrees: tuple[int, int] = (5, 4),
        *,
        reading: Reading = "sum",
        shared: Shared | None = "numerator",
        start: str = "silu",
        device=None,
        dtype=None,
    ):
        super().__init__()
        if groups < 1 or channels < 1 or channels % groups:
            raise ConfigError(f"channels must be a multiple of groups, got {channels} channels in {groups} groups")
        if min(degrees) < 1:
            raise ConfigError(f"degrees must be at least 1, got {degrees}")
        if reading not in READINGS:
            raise unknown("reading of the denominator", reading, READINGS)
        if shared not in ("numerator", "denominator", None):
            raise ConfigError(f"shared must be 'numerator', 'denominator' or None, got {shared!r}")
        self.channels, self.groups, self.degrees, self.reading, self.start = channels, groups, degrees, reading, start
        above, below = (1 if shared == name else groups for name in ("numerator", "denominator"))
        self.numerator = nn.Parameter(torch.empty(above, degrees[0] + 1, device=device, dtype=dtype))
        self.denominator = nn.Parameter(torch.empty(below, degrees[1], device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Go back to the start."""
        with torch.no_grad():
            for parameter, row in zip(self.parameters(), rational_like(self.start, *self.degrees), strict=True):
                parameter.copy_(torch.tensor(row, dtype=torch.float64, device=parameter.device).expand_as(parameter))

    def weight_settings(self) -> str:
        """How the coefficients are read."""
        return settings_text(reading=self.reading)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1:] != (self.channels,):
            raise ConfigError(f"expected {self.channels} channels in the last dimension, got shape {tuple(x.shape)}")
        check_dtype(x, self.numerator)
        a, b = (t.expand(self.groups, -1) for t in (self.numerator, self.denominator))
        return group_rational(x, a, b, self.reading)

    def gain(self) -> float:
        r""":math:`E[x^2] / E[F(x)^2]` for x of N(0, 1), by Gauss-Hermite quadrature, the mean over groups.

        Weights of variance ``gain / fan_in`` behind this layer keep the variance: 1 for the identity, 2.8 for SiLU.
        """
        points, weights = (torch.from_numpy(t) for t in np.polynomial.hermite_e.hermegauss(100))
        a, b = (t.detach().double().cpu().expand(self.groups, -1) for t in (self.numerator, self.denominator))
        values = group_rational(points.unsqueeze(1).expand(-1, self.groups), a, b, self.reading)
        return 1 / (weights @ values.square().mean(1) / weights.sum()).item()

    def extra_repr(self) -> str:
        settings = f"groups={self.groups}, degrees={self.degrees}, reading={self.reading!r}, start={self.start!r}"
        return f"{self.channels}, {settings}"
