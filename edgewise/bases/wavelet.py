r"""Wavelets that learn where they stand and how wide they are."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ClassVar

import torch
from torch import Tensor
from torch.types import Device

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import unknown
from edgewise.bases.basis import Basis, State, register_basis

GAUSSIAN = 64.0  # where exp(-z^2 / 2) is zero in float64
ALGEBRAIC = 1e18  # and where 1 / z is far below any rounding


def _decaying(most: float) -> Callable[[Callable[[Tensor], Tensor]], Callable[[Tensor], Tensor]]:
    """Of a formula that falls to 0: no more than rounding from ``most`` on, where squares, products and angles overflow."""

    def hold(formula: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        @wraps(formula)
        def held(z: Tensor) -> Tensor:
            far = z.abs() >= most
            return torch.where(far, 0, formula(torch.where(far, 0, z)))

        return held

    return hold


@_decaying(GAUSSIAN)
def mexican_hat(z: Tensor) -> Tensor:
    r"""Ricker's wavelet :math:`\tfrac{2}{\sqrt 3\, \pi^{1/4}} (1 - z^2) e^{-z^2/2}`, of unit norm."""
    square = z.square()
    return 2 / (math.sqrt(3) * math.pi**0.25) * (1 - square) * (-square / 2).exp()


@_decaying(GAUSSIAN)
def morlet(z: Tensor) -> Tensor:
    r""":math:`\cos(5 z)\, e^{-z^2/2}`; its mean is 4e-6 of its height, not quite 0."""
    return (5 * z).cos() * (-z.square() / 2).exp()


@_decaying(GAUSSIAN)
def dog(z: Tensor) -> Tensor:
    r"""The derivative of a Gaussian, :math:`z\, e^{-z^2/2}` (with the sign that rises through 0)."""
    return z * (-z.square() / 2).exp()


@_decaying(ALGEBRAIC)
def shannon(z: Tensor) -> Tensor:
    r"""All frequencies of one octave alike: :math:`\cos(\tfrac{3\pi}{2} z) \sin(\tfrac{\pi}{2} z) / (\tfrac{\pi}{2} z)`."""
    return (1.5 * math.pi * z).cos() * _sinc(0.5 * math.pi * z)


@_decaying(ALGEBRAIC)
def meyer(z: Tensor) -> Tensor:
    r"""Y. Meyer's wavelet for :math:`\nu(x) = x`, about its centre (Vermehren and de Oliveira, arXiv:1502.00161).

    Their closed form has removable poles. Here it is the integral that it comes from,
    :math:`\tfrac1\pi \big(\int_{2\pi/3}^{4\pi/3} -\cos\tfrac{3\omega}{4} \cos \omega z\, d\omega
    + \int_{4\pi/3}^{8\pi/3} \sin\tfrac{3\omega}{8} \cos \omega z\, d\omega\big)`, done by parts of one frequency each.
    """
    total = 0
    for side in (z, -z):
        p, q = math.pi * (0.75 + side), 2 * math.pi * (0.375 + side)
        total = total + 2 / 3 * q.sin() * _sinc(q / 3) - 1 / 3 * p.cos() * _sinc(p / 3)
    return total


KINDS: dict[str, tuple[Callable[[Tensor], Tensor], float]] = {  # with the central frequency in radians
    "mexican_hat": (mexican_hat, math.sqrt(2)),
    "morlet": (morlet, 5.0),
    "dog": (dog, 1.0),
    "meyer": (meyer, 4 / 3 * math.pi),
    "shannon": (shannon, 1.5 * math.pi),
}


@register_basis("wavelet")
@dataclass(frozen=True)
class Wavelet(Basis):
    r"""Wavelets :math:`\psi((x - \tau_j) / s_j)`, :math:`j = 1 \dots K`, translations and scales learned for each input.

    :math:`\psi` is one of ``"mexican_hat"``, ``"morlet"``, ``"dog"``, ``"meyer"`` and ``"shannon"``, those of Wav-KAN
    (Bozorgasl and Chen, arXiv:2405.12832) and KArAt (arXiv:2503.10632). There each edge has one wavelet with a
    translation and a scale of its own; here an input has K that its edges share. The last two are the wavelets of the
    textbooks (I. Daubechies, Ten Lectures on Wavelets, 1992), of mean zero, which the formulas printed there are not.

    At the start the translations are spaced evenly over the domain, and the scales are an octave apart in turn: the
    central frequencies are 2, 4, 8, 16, 2, ... radians a domain. With one scale for all, the oscillating kinds can
    neither hold a slow function nor be stacked. Smooth everywhere. One exponential each, with a cosine for Morlet; two
    sines or cosines for Shannon, eight for Meyer.

    Args:
        kind: The name of :math:`\psi`.
        num_wavelets: K, at least 1.
        domain: Where the wavelets start, from end to end.
        outside: ``"decay"`` (as 1/z for Shannon, 1/z^2 for Meyer, a Gaussian for others), ``"clamp"`` or ``"linear"``.

    State:
        translation: The learnable :math:`\tau`, ``(features, K)``.
        log_scale: The learnable :math:`\log s`, ``(features, K)``: no step can make a scale zero.

    Example:
        >>> basis = Wavelet("dog", num_wavelets=2)
        >>> basis.evaluate(torch.tensor([0.0]), basis.init_state(1))  # at -2 and 2, with scales of 2 and 1
        tensor([[ 0.6065, -0.2707]], grad_fn=<TransposeBackward0>)
    """

    kind: str = "mexican_hat"
    num_wavelets: int = 8
    domain: tuple[float, float] = (-2.0, 2.0)
    outside: str = "decay"
    natural: ClassVar[str] = "decay"

    def __post_init__(self):
        if self.kind not in KINDS:
            raise unknown("kind of wavelet", self.kind, KINDS)
        if self.num_wavelets < 1:
            raise ConfigError(f"num_wavelets must be at least 1, got {self.num_wavelets}")
        super().__post_init__()

    @property
    def num_functions(self) -> int:
        return self.num_wavelets

    def init_state(self, features: int, *, device: Device = None, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
        (lo, hi), count = self.domain, self.num_wavelets
        places = [j / (count - 1) for j in range(count)] if count > 1 else [0.5]
        frequencies = [2 ** (1 + j % 4) / (hi - lo) for j in range(count)]
        start = {
            "translation": [lo + (hi - lo) * place for place in places],
            "log_scale": [math.log(KINDS[self.kind][1] / frequency) for frequency in frequencies],
        }
        rows = {name: torch.tensor(row, device=device, dtype=dtype) for name, row in start.items()}
        return {name: torch.nn.Parameter(row.repeat(features, 1)) for name, row in rows.items()}

    def values(self, x: Tensor, state: State) -> Tensor:
        translation, log_scale = (state[name].to(x.dtype).t() for name in ("translation", "log_scale"))  # (K, features)
        most = torch.finfo(x.dtype).max  # an infinite distance times the gradient 0 would be NaN
        distance = (x.unsqueeze(-2) - translation).clamp(-most, most)
        return KINDS[self.kind][0](distance * (-log_scale).exp()).transpose(-1, -2)


def _sinc(z: Tensor) -> Tensor:
    """sin(z) / z with all its derivatives at 0, of which ``torch.sinc`` has the first only and that inexactly nearby."""
    near = z.abs() < 1
    square, series = torch.where(near, z, 0).square(), 0.0
    for k in reversed(range(9 if z.dtype == torch.float64 else 6)):  # Taylor's terms that the precision can tell from 0
        series = square * series + (-1) ** k / math.factorial(2 * k + 1)
    away = torch.where(near, 1, z)
    return torch.where(near, series, away.sin() / away)
