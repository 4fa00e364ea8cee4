r"""Chebyshev polynomials of the first kind."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.bases.basis import Basis, State, register_basis


@register_basis("chebyshev")
@dataclass(frozen=True)
class Chebyshev(Basis):
    r"""Chebyshev polynomials :math:`T_0 \dots T_d`, by :math:`T_{n+1}(t) = 2 t T_n(t) - T_{n-1}(t)`.

    The domain is mapped linearly to ``[-1, 1]``. The recurrence has no inverse cosine, so the gradient is finite at
    the ends of the domain, where the formula ``cos(n arccos t)`` of ChebyKAN gives NaN.

    Args:
        degree: The largest degree, at least 0.
        domain: The interval mapped to ``[-1, 1]``.
        outside: ``"clamp"``, ``"linear"`` or ``"grow"`` (the polynomials go on).

    Example:
        >>> Chebyshev(degree=2).evaluate(torch.tensor([0.5])).tolist()
        [[1.0, 0.5, -0.5]]
    """

    degree: int = 4
    domain: tuple[float, float] = (-1.0, 1.0)
    outside: str = "clamp"
    natural: ClassVar[str] = "grow"

    def __post_init__(self):
        if self.degree < 0:
            raise ConfigError(f"degree must be at least 0, got {self.degree}")
        super().__post_init__()

    @property
    def num_functions(self) -> int:
        return self.degree + 1

    def values(self, x: Tensor, state: State) -> Tensor:
        lo, hi = self.domain
        t = (x - (lo + hi) / 2) * (2 / (hi - lo))
        rows = [torch.where(x.isnan(), x, 1.0), t]
        for _ in range(self.degree - 1):
            rows.append(2 * t * rows[-1] - rows[-2])
        return torch.stack(rows[: self.degree + 1], -2).transpose(-1, -2)
