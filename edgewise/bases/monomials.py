r"""Powers."""

from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.bases._polynomials import Polynomials
from edgewise.bases.basis import State, register_basis


@register_basis("monomials")
@dataclass(frozen=True)
class Monomials(Polynomials):
    r"""The powers :math:`1, t, \dots, t^d`, of which a Taylor polynomial is made; one product each.

    They are the easiest to read and the worst conditioned: on ``[-1, 1]`` high powers of the same parity are almost
    alike, and orthogonal polynomials of the same span learn faster. Among the bases of torchkan.

    Args:
        degree: d, the largest power, at least 0.
        domain: The interval mapped to ``[-1, 1]``.
        outside: ``"clamp"``, ``"linear"`` or ``"grow"`` (the powers go on).

    Example:
        >>> Monomials(degree=3).evaluate(torch.tensor([0.5])).tolist()
        [[1.0, 0.5, 0.25, 0.125]]
    """

    degree: int = 4
    domain: tuple[float, float] = (-1.0, 1.0)
    outside: str = "clamp"

    def values(self, x: Tensor, state: State) -> Tensor:
        t = self._mapped(x)
        rows = [torch.where(x.isnan(), x, 1.0)]
        for _ in range(self.degree):
            rows.append(rows[-1] * t)
        return torch.stack(rows, -2).transpose(-1, -2)
