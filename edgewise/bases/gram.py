r"""Gram polynomials: orthogonal over evenly spaced points, with a recurrence that learns."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.types import Device

from edgewise._ground.errors import ConfigError
from edgewise.bases._polynomials import Recurrent
from edgewise.bases.basis import State, register_basis


@register_basis("gram")
@dataclass(frozen=True)
class Gram(Recurrent):
    r"""Monic polynomials :math:`p_{n+1}(t) = t\, p_n(t) - b_n\, p_{n-1}(t)`, the numbers b learned for each input.

    They start as Gram's, orthogonal over N evenly spaced points from end to end of the domain:
    :math:`b_n = n^2 (N^2 - n^2) / ((4 n^2 - 1) (N - 1)^2)` (Dahlquist and Bjorck, Numerical Methods in Scientific
    Computing I, 2008); for N without end they are Legendre's. With any positive b they are orthogonal for some weight
    (Favard's theorem), so that to learn b is to learn where the basis sees most. The basis of torch-conv-kan's KAGN
    (Drokin, arXiv:2407.01092), where the inputs of a layer share numbers that start next to 0.

    Args:
        degree: The largest degree, at least 0.
        num_points: N, more than ``degree``.
        domain: The interval mapped to ``[-1, 1]``.
        outside: ``"clamp"``, ``"linear"`` or ``"grow"`` (the polynomials go on).

    State:
        recurrence: The learnable b, ``(features, degree - 1)``; none below degree 2.

    Example:
        >>> basis = Gram(degree=2, num_points=5)
        >>> basis.evaluate(torch.tensor([0.5]), basis.init_state(1)).tolist()
        [[1.0, 0.5, -0.25]]
    """

    degree: int = 4
    num_points: int = 20
    domain: tuple[float, float] = (-1.0, 1.0)
    outside: str = "clamp"

    def __post_init__(self):
        if self.num_points <= max(self.degree, 1):
            raise ConfigError(f"num_points must be above degree={self.degree} and at least 2, got {self.num_points}")
        super().__post_init__()

    def init_state(self, features: int, *, device: Device = None, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
        if self.degree < 2:
            return {}
        total = self.num_points
        b = [n**2 * (total**2 - n**2) / ((4 * n**2 - 1) * (total - 1) ** 2) for n in range(1, self.degree)]
        return {"recurrence": torch.nn.Parameter(torch.tensor(b, device=device, dtype=dtype).repeat(features, 1))}

    def step(self, n: int, state: State) -> tuple[float, float, float | Tensor]:
        return 1.0, 0.0, state["recurrence"][:, n - 1] if n else 0.0
