r"""Any basis on inputs from anywhere, brought into its domain by a squashing function."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor
from torch.types import Device

from edgewise._ground.registry import unknown
from edgewise.bases.basis import Basis, State, as_basis, register_basis
from edgewise.bases.chebyshev import Chebyshev

SQUASHING: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "sigmoid": lambda z: (z / 2).tanh(),  # 2 sigmoid(z) - 1
    "arctan": lambda z: z.atan() * (2 / math.pi),
}


@register_basis("squashed")
@dataclass(frozen=True)
class Squashed(Basis):
    r"""The functions of another basis at :math:`lo + (hi - lo) (g(z) + 1) / 2`, g from the line onto (-1, 1).

    ``Squashed(Chebyshev(4))`` is the basis of ChebyKAN, with a finite gradient everywhere. Each input is squashed by
    itself, by a fixed function: what a sample gives does not depend on its batch. (lo, hi) is the domain of the other
    basis, whose rule for the outside never comes into play; z runs over ``[-3, 3]`` on the domain given here, so that
    z = x by default.

    Args:
        basis: The basis to evaluate, or its name or a dict; learnable numbers and knots of its own are those of this one.
        by: g: ``"tanh"``, ``"sigmoid"`` (tanh at half the slope) or ``"arctan"`` (which saturates as 1/z only).
        domain: Where g has not levelled off yet.
        outside: ``"saturate"`` (g goes on, to 1), ``"clamp"`` or ``"linear"``.

    Example:
        >>> Squashed(Chebyshev(2)).evaluate(torch.tensor([0.0, 100.0])).tolist()
        [[1.0, 0.0, -1.0], [1.0, 1.0, 1.0]]
    """

    basis: Basis = field(default_factory=Chebyshev)
    by: str = "tanh"
    domain: tuple[float, float] = (-3.0, 3.0)
    outside: str = "saturate"
    natural: ClassVar[str] = "saturate"

    def __post_init__(self):
        object.__setattr__(self, "basis", as_basis(self.basis))
        if self.by not in SQUASHING:
            raise unknown("squashing function", self.by, SQUASHING)
        super().__post_init__()

    @property
    def num_functions(self) -> int:
        return self.basis.num_functions

    @property
    def smoothness(self) -> float:
        return self.basis.smoothness

    def init_state(self, features: int, *, device: Device = None, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
        return self.basis.init_state(features, device=device, dtype=dtype)

    def values(self, x: Tensor, state: State) -> Tensor:
        lo, hi = self.domain
        share = (SQUASHING[self.by]((x - (lo + hi) / 2) * (6 / (hi - lo))) + 1) / 2
        lo, hi = (end.to(x.dtype) for end in self.basis.bounds(x, state))
        return self.basis.evaluate(torch.lerp(lo.expand_as(share), hi.expand_as(share), share), state)
