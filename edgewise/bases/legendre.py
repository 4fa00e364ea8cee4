r"""Legendre polynomials."""

from dataclasses import dataclass

from edgewise.bases._polynomials import Recurrent
from edgewise.bases.basis import State, register_basis


@register_basis("legendre")
@dataclass(frozen=True)
class Legendre(Recurrent):
    r"""Legendre polynomials :math:`P_0 \dots P_d`, by :math:`(n+1) P_{n+1}(t) = (2n+1)\, t P_n(t) - n P_{n-1}(t)`.

    Orthogonal over the domain, which is mapped linearly to ``[-1, 1]``; :math:`P_n = 1` at its upper end, and at most 1
    in size inside. The basis of KAL-Net and of torch-conv-kan's KALN, which map inputs by the least and the greatest of
    the whole batch; here no input depends on another.

    Args:
        degree: The largest degree, at least 0.
        domain: The interval mapped to ``[-1, 1]``.
        outside: ``"clamp"``, ``"linear"`` or ``"grow"`` (the polynomials go on).

    Example:
        >>> import torch
        >>> Legendre(degree=2).evaluate(torch.tensor([0.5])).tolist()
        [[1.0, 0.5, -0.125]]
    """

    degree: int = 4
    domain: tuple[float, float] = (-1.0, 1.0)
    outside: str = "clamp"

    def step(self, n: int, state: State) -> tuple[float, float, float]:
        return (2 * n + 1) / (n + 1), 0.0, n / (n + 1)
