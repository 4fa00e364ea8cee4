r"""Jacobi polynomials, whose weight may lean to one end of the domain."""

import math
from dataclasses import dataclass

from edgewise._ground.errors import ConfigError
from edgewise.bases._polynomials import Recurrent
from edgewise.bases.basis import State, register_basis


@register_basis("jacobi")
@dataclass(frozen=True)
class Jacobi(Recurrent):
    r"""Jacobi polynomials :math:`P_0^{(\alpha,\beta)} \dots P_d^{(\alpha,\beta)}`.

    Orthogonal for the weight :math:`(1-t)^\alpha (1+t)^\beta`; with :math:`m = 2n + \alpha + \beta`

    .. math:: 2 (n+1) (m-n+1)\, m\, P_{n+1}(t)
              = (m+1) \big(m (m+2)\, t + \alpha^2 - \beta^2\big) P_n(t) - 2 (n+\alpha) (n+\beta) (m+2)\, P_{n-1}(t)

    (Abramowitz and Stegun, table 22.7). ``alpha=beta=0`` gives Legendre's. The basis of torch-conv-kan's KAJN and of
    fKAN (Aghaei, arXiv:2406.07456).

    Args:
        degree: The largest degree, at least 0.
        alpha: Exponent of the weight at the upper end of the domain, above -1.
        beta: Exponent at the lower end, above -1.
        domain: The interval mapped to ``[-1, 1]``.
        outside: ``"clamp"``, ``"linear"`` or ``"grow"`` (the polynomials go on).

    Example:
        >>> import torch
        >>> Jacobi(degree=2, alpha=1.0, beta=1.0).evaluate(torch.tensor([0.5])).tolist()
        [[1.0, 1.0, 0.1875]]
    """

    degree: int = 4
    alpha: float = 1.0
    beta: float = 1.0
    domain: tuple[float, float] = (-1.0, 1.0)
    outside: str = "clamp"

    def __post_init__(self):
        for name, exponent in (("alpha", self.alpha), ("beta", self.beta)):
            if not -1 < exponent < math.inf:
                raise ConfigError(f"{name} must be above -1 and finite, got {exponent}")
        super().__post_init__()

    def step(self, n: int, state: State) -> tuple[float, float, float]:
        alpha, beta = self.alpha, self.beta
        if n == 0:  # where the general formula would divide 0 by 0 if the exponents sum to 0
            return (alpha + beta + 2) / 2, (alpha - beta) / 2, 0.0
        m = 2 * n + alpha + beta
        size = 2 * (n + 1) * (m - n + 1)
        a, b = (m + 1) * (m + 2) / size, (m + 1) * (alpha - beta) * (alpha + beta) / (size * m)
        return a, b, 2 * (n + alpha) * (n + beta) * (m + 2) / (size * m)
