r"""Bumps made of rectifiers: piecewise polynomials without a search for the cell."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.bases.basis import Basis, State, register_basis


@register_basis("relu_kan")
@dataclass(frozen=True)
class ReLUKAN(Basis):
    r"""Bumps :math:`\big(4\, \mathrm{relu}(e_i - x)\, \mathrm{relu}(x - s_i) / (e_i - s_i)^2\big)^m` of height 1.

    The domain has G cells of width h; bump i starts at :math:`s_i = lo + (i - k) h` and ends k + 1 cells on, for
    :math:`i = 0 \dots G + k - 1`, as B-splines do. Products and rectifiers only: eight operations each. m = 2 is
    ReLU-KAN (Qiu et al., arXiv:2406.02075), where the ends of the bumps can be learned; greater m give more continuous
    derivatives, as in HRKAN (So and Yung, arXiv:2409.14248).

    Args:
        grid_size: G, the number of cells on the domain, at least 1.
        span: k, at least 0: a bump covers k + 1 cells.
        power: m, at least 1.
        domain: The interval that the cells divide.
        outside: ``"zero"``, ``"clamp"`` or ``"linear"``.

    Example:
        >>> ReLUKAN(grid_size=1, span=1, domain=(0, 1)).evaluate(torch.tensor([0.0])).tolist()
        [[1.0, 0.0]]
    """

    grid_size: int = 5
    span: int = 3
    power: int = 2
    domain: tuple[float, float] = (-1.0, 1.0)
    outside: str = "zero"
    natural: ClassVar[str] = "zero"

    def __post_init__(self):
        for name, least in (("grid_size", 1), ("span", 0), ("power", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} must be at least {least}, got {getattr(self, name)}")
        super().__post_init__()

    @property
    def num_functions(self) -> int:
        return self.grid_size + self.span

    @property
    def smoothness(self) -> float:
        return self.power - 1

    def values(self, x: Tensor, state: State) -> Tensor:
        lo, hi = self.domain
        u = ((x - lo) * (self.grid_size / (hi - lo))).clamp(-self.span, self.grid_size + self.span)  # infinity is finite
        starts = torch.arange(-self.span, self.grid_size, device=x.device, dtype=x.dtype).unsqueeze(-1)
        since = u.unsqueeze(-2) - starts  # in cells
        bump = since.relu() * (self.span + 1 - since).relu()
        return (bump * (4 / (self.span + 1) ** 2)).pow(self.power).transpose(-1, -2)
