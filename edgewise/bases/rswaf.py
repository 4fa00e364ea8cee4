r"""Reflectional switch functions: bell curves made of a hyperbolic tangent."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.bases.basis import Basis, State, register_basis


@register_basis("rswaf")
@dataclass(frozen=True)
class RSWAF(Basis):
    r"""Bells :math:`1 - \tanh^2((x - c_j) / h)`, their centres evenly spaced by h from end to end of the domain.

    They fall off as :math:`4 e^{-2 |x - c_j| / h}`, slower than Gaussians, so that inputs beyond the domain still move
    them. One hyperbolic tangent each. The basis of FasterKAN (A. Delis, github.com/AthanasiosDelis/faster-kan), which
    can also learn the centres and one common width.

    Args:
        num_centers: Number of bells, at least 2.
        domain: Where the first and the last centre stand.
        outside: ``"decay"``, ``"clamp"`` or ``"linear"``.

    Example:
        >>> RSWAF(num_centers=2, domain=(0, 1)).evaluate(torch.tensor([0.0]))
        tensor([[1.0000, 0.4200]])
    """

    num_centers: int = 8
    domain: tuple[float, float] = (-2.0, 2.0)
    outside: str = "decay"
    natural: ClassVar[str] = "decay"

    def __post_init__(self):
        if self.num_centers < 2:
            raise ConfigError(f"num_centers must be at least 2, got {self.num_centers}")
        super().__post_init__()

    @property
    def num_functions(self) -> int:
        return self.num_centers

    def values(self, x: Tensor, state: State) -> Tensor:
        lo, hi = self.domain
        centers = torch.arange(self.num_centers, device=x.device, dtype=x.dtype).unsqueeze(-1)
        distance = ((x - lo) * ((self.num_centers - 1) / (hi - lo))).unsqueeze(-2) - centers  # in units of h
        return (1 - distance.tanh().square()).transpose(-1, -2)
