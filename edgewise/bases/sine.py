r"""Sines whose frequencies and phases learn."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.types import Device

from edgewise._ground.errors import ConfigError
from edgewise.bases.basis import Basis, State, register_basis


@register_basis("sine")
@dataclass(frozen=True)
class Sine(Basis):
    r"""The functions :math:`\sin(\omega_k \theta + \varphi_k)`, :math:`k = 1 \dots K`, learned for each input.

    On the domain :math:`\theta` runs from :math:`-\pi` to :math:`\pi`, so :math:`\theta = x` on the default domain. At
    the start :math:`\omega_k = k` and the phases are spread evenly over half a turn, so that there are even and odd
    functions. One sine each. The basis of SineKAN (Reinhardt et al., arXiv:2407.04149), which shares the frequencies
    among the inputs of a layer, keeps the phases fixed, and starts hidden layers with :math:`\omega_k = k / (K + 1)`:
    for those widen the domain K + 1 times.

    Args:
        num_waves: K, at least 1.
        domain: One period of the slowest wave, as it starts.
        outside: ``"repeat"`` (the waves go on), ``"clamp"`` or ``"linear"``.

    State:
        frequency: The learnable :math:`\omega`, ``(features, K)``.
        phase: The learnable :math:`\varphi` in radians, ``(features, K)``.

    Example:
        >>> basis = Sine(num_waves=2)
        >>> basis.evaluate(torch.tensor([0.0]), basis.init_state(1))
        tensor([[0., 1.]], grad_fn=<TransposeBackward0>)
    """

    num_waves: int = 8
    domain: tuple[float, float] = (-math.pi, math.pi)
    outside: str = "repeat"
    natural: ClassVar[str] = "repeat"

    def __post_init__(self):
        if self.num_waves < 1:
            raise ConfigError(f"num_waves must be at least 1, got {self.num_waves}")
        super().__post_init__()

    @property
    def num_functions(self) -> int:
        return self.num_waves

    def init_state(self, features: int, *, device: Device = None, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
        k = torch.arange(self.num_waves, device=device, dtype=dtype or torch.get_default_dtype()).repeat(features, 1)
        return {"frequency": torch.nn.Parameter(k + 1), "phase": torch.nn.Parameter(k * (math.pi / self.num_waves))}

    def values(self, x: Tensor, state: State) -> Tensor:
        lo, hi = self.domain
        theta = (x - (lo + hi) / 2) * (2 * math.pi / (hi - lo))
        frequency, phase = (state[name].to(x.dtype).t() for name in ("frequency", "phase"))  # (K, features)
        return (theta.unsqueeze(-2) * frequency + phase).sin().transpose(-1, -2)
