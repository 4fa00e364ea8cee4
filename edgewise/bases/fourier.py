r"""Fourier series: cosines and sines of whole multiples of one frequency."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.bases.basis import Basis, State, register_basis


@register_basis("fourier")
@dataclass(frozen=True)
class Fourier(Basis):
    r"""The functions :math:`\cos m\theta` and then :math:`\sin m\theta`, :math:`m = 1 \dots G`.

    The domain is one period: :math:`\theta = 2\pi (x - c) / (hi - lo)` about its centre c, so :math:`\theta = x` on the
    default domain. There is no constant among them.

    Args:
        num_frequencies: G, at least 1.
        domain: One period.
        outside: ``"repeat"``, ``"clamp"`` or ``"linear"``.

    Example:
        >>> Fourier(num_frequencies=2).evaluate(torch.tensor([0.0])).tolist()
        [[1.0, 1.0, 0.0, 0.0]]
    """

    num_frequencies: int = 4
    domain: tuple[float, float] = (-math.pi, math.pi)
    outside: str = "repeat"
    natural: ClassVar[str] = "repeat"

    def __post_init__(self):
        if self.num_frequencies < 1:
            raise ConfigError(f"num_frequencies must be at least 1, got {self.num_frequencies}")
        super().__post_init__()

    @property
    def num_functions(self) -> int:
        return 2 * self.num_frequencies

    def values(self, x: Tensor, state: State) -> Tensor:
        lo, hi = self.domain
        theta = (x - (lo + hi) / 2) * (2 * math.pi / (hi - lo))
        multiples = torch.arange(1, self.num_frequencies + 1, device=x.device, dtype=x.dtype).unsqueeze(-1)
        angles = multiples * theta.unsqueeze(-2)
        return torch.cat([angles.cos(), angles.sin()], -2).transpose(-1, -2)
