r"""Laguerre polynomials, for inputs whose density falls off from one end."""

from dataclasses import dataclass
from typing import ClassVar

from edgewise.bases._polynomials import Recurrent
from edgewise.bases.basis import State, register_basis


@register_basis("laguerre")
@dataclass(frozen=True)
class Laguerre(Recurrent):
    r"""Laguerre polynomials :math:`L_0 \dots L_d`: :math:`(n+1) L_{n+1}(t) = (2n+1-t) L_n(t) - n L_{n-1}(t)`.

    Orthonormal for the weight :math:`e^{-t}` from 0 on (Abramowitz and Stegun, table 22.7): of a positive input with
    that density they are uncorrelated and of mean square 1. :math:`|L_n(t)| \le e^{t/2}`.

    Args:
        degree: The largest degree, at least 0.
        domain: The interval mapped to ``[0, 4]``, which holds 98% of the weight; ``(0, 4)`` for t = x.
        outside: ``"clamp"``, ``"linear"`` or ``"grow"`` (the polynomials go on).

    Example:
        >>> import torch
        >>> Laguerre(degree=2, domain=(0, 4)).evaluate(torch.tensor([2.0])).tolist()
        [[1.0, -1.0, -1.0]]
    """

    degree: int = 4
    domain: tuple[float, float] = (-2.0, 2.0)
    outside: str = "clamp"
    reference: ClassVar[tuple[float, float]] = (0.0, 4.0)

    def step(self, n: int, state: State) -> tuple[float, float, float]:
        return -1 / (n + 1), (2 * n + 1) / (n + 1), n / (n + 1)
