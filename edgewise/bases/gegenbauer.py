r"""Gegenbauer polynomials: Legendre and Chebyshev polynomials of the second kind are among them."""

import math
from dataclasses import dataclass

from edgewise._ground.errors import ConfigError
from edgewise.bases._polynomials import Recurrent
from edgewise.bases.basis import State, register_basis


@register_basis("gegenbauer")
@dataclass(frozen=True)
class Gegenbauer(Recurrent):
    r"""Gegenbauer (ultraspherical) polynomials :math:`C_0^{(\alpha)} \dots C_d^{(\alpha)}`.

    :math:`(n+1) C_{n+1}(t) = 2 (n+\alpha)\, t C_n(t) - (n + 2\alpha - 1) C_{n-1}(t)`, orthogonal for the weight
    :math:`(1-t^2)^{\alpha - 1/2}` (Abramowitz and Stegun, table 22.7). ``alpha=1`` gives the Chebyshev polynomials of
    the second kind, 1/2 those of Legendre. At the ends of the domain they grow as :math:`n^{2\alpha - 1}`.

    Args:
        degree: The largest degree, at least 0.
        alpha: Above -1/2 and not 0, where all but the first vanish.
        domain: The interval mapped to ``[-1, 1]``.
        outside: ``"clamp"``, ``"linear"`` or ``"grow"`` (the polynomials go on).

    Example:
        >>> import torch
        >>> Gegenbauer(degree=2, alpha=1.0).evaluate(torch.tensor([0.5])).tolist()
        [[1.0, 1.0, 0.0]]
    """

    degree: int = 4
    alpha: float = 1.0
    domain: tuple[float, float] = (-1.0, 1.0)
    outside: str = "clamp"

    def __post_init__(self):
        if not -0.5 < self.alpha < math.inf or self.alpha == 0:
            raise ConfigError(f"alpha must be above -0.5, finite and not 0, got {self.alpha}")
        super().__post_init__()

    def step(self, n: int, state: State) -> tuple[float, float, float]:
        return 2 * (n + self.alpha) / (n + 1), 0.0, (n + 2 * self.alpha - 1) / (n + 1)
