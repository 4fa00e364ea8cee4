r"""Gaussian radial basis functions on an even grid of centres."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.bases.basis import Basis, State, register_basis

FAR = 32.0  # where exp(-d^2) is zero in float64


@register_basis("gaussian_rbf")
@dataclass(frozen=True)
class GaussianRBF(Basis):
    r"""Gaussian bumps :math:`\exp(-((x - c_j) / h)^2)`, their centres evenly spaced by h from end to end of the domain.

    The basis of FastKAN (Ziyao Li, arXiv:2405.06721), whose defaults these are.

    Args:
        num_centers: Number of bumps, at least 2.
        domain: Where the first and the last centre stand.
        outside: ``"decay"``, ``"clamp"`` or ``"linear"``.

    Example:
        >>> GaussianRBF(num_centers=2, domain=(0, 1)).evaluate(torch.tensor([0.0]))
        tensor([[1.0000, 0.3679]])
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
        distance = distance.clamp(-FAR, FAR)  # infinity times the gradient 0 would be NaN
        return (-distance.square()).exp().transpose(-1, -2)
