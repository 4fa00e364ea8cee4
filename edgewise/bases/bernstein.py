r"""Bernstein polynomials: a function as the curve between its control points."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.bases._polynomials import Polynomials
from edgewise.bases.basis import State, register_basis


@register_basis("bernstein")
@dataclass(frozen=True)
class Bernstein(Polynomials):
    r"""Bernstein polynomials :math:`b_j(u) = \binom{d}{j} u^j (1-u)^{d-j}`, :math:`j = 0 \dots d`.

    u runs from 0 to 1 over the domain. There they are non-negative and sum to one, so that a function stays between the
    least and the greatest of its coefficients and, at the ends, is the first and the last (G. G. Lorentz, Bernstein
    Polynomials, 1953). Four products each. The basis of torch-conv-kan's KABN.

    Args:
        degree: d, at least 0; all functions have it.
        domain: The interval mapped to ``[0, 1]``.
        outside: ``"clamp"``, ``"linear"`` or ``"grow"`` (the polynomials go on).

    Example:
        >>> Bernstein(degree=2, domain=(0, 1)).evaluate(torch.tensor([0.5])).tolist()
        [[0.25, 0.5, 0.25]]
    """

    degree: int = 4
    domain: tuple[float, float] = (-1.0, 1.0)
    outside: str = "clamp"

    def values(self, x: Tensor, state: State) -> Tensor:
        lo, hi = self.domain
        up, down = (x - lo) / (hi - lo), (hi - x) / (hi - lo)  # each from its own end, so that nothing cancels
        rising = [torch.where(x.isnan(), x, 1.0)]
        falling: list[Tensor | float] = [1.0]
        for _ in range(self.degree):
            rising.append(rising[-1] * up)
            falling.append(falling[-1] * down)
        rows = [math.comb(self.degree, j) * power * falling[-1 - j] for j, power in enumerate(rising)]
        return torch.stack(rows, -2).transpose(-1, -2)
