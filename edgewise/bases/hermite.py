r"""Hermite polynomials, orthonormal for a normally distributed input."""

import math
from dataclasses import dataclass
from typing import ClassVar

from edgewise.bases._polynomials import Recurrent
from edgewise.bases.basis import State, register_basis


@register_basis("hermite")
@dataclass(frozen=True)
class Hermite(Recurrent):
    r"""Probabilists' Hermite polynomials, normalised: :math:`h_n = \mathit{He}_n / \sqrt{n!}`, :math:`n = 0 \dots d`.

    :math:`\sqrt{n+1}\, h_{n+1}(t) = t\, h_n(t) - \sqrt{n}\, h_{n-1}(t)`; of a N(0, 1) input they are uncorrelated and of
    mean square 1 (Abramowitz and Stegun, chapter 22). The physicists' polynomials are
    :math:`H_n(t) = \sqrt{2^n n!}\, h_n(\sqrt{2}\, t)`: the same family on another scale, with sizes that overflow.

    Args:
        degree: The largest degree, at least 0.
        domain: The interval mapped to ``[-3, 3]``, three standard deviations to each side.
        outside: ``"clamp"``, ``"linear"`` or ``"grow"`` (the polynomials go on).

    Example:
        >>> import torch
        >>> Hermite(degree=2).evaluate(torch.tensor([1.0])).tolist()
        [[1.0, 1.0, 0.0]]
    """

    degree: int = 4
    domain: tuple[float, float] = (-3.0, 3.0)
    outside: str = "clamp"
    reference: ClassVar[tuple[float, float]] = (-3.0, 3.0)

    def step(self, n: int, state: State) -> tuple[float, float, float]:
        return 1 / math.sqrt(n + 1), 0.0, math.sqrt(n / (n + 1))
