"""What an op needs to know of the functions on its edges: settings only, no tensors."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import unknown
from edgewise.bases.basis import Basis, BasisLike, State, as_basis

BaseFunction = Callable[[Tensor], Tensor]
"""A function b, pointwise."""

BASE_FUNCTIONS: dict[str, BaseFunction] = {
    "silu": F.silu,
    "gelu": F.gelu,
    "relu": F.relu,
    "tanh": torch.tanh,
    "identity": lambda x: x,
}


@dataclass(frozen=True, init=False)
class EdgeFunction:
    r"""The function on an edge, :math:`\phi(t) = w\, b(t) + \sum_j c_j B_j(t)`.

    Args:
        basis: The functions ``B_j``, as :func:`edgewise.bases.as_basis` takes them.
        base: Name of b in ``BASE_FUNCTIONS``, any pointwise callable, or None for no base branch.
        grad_free: Stop the gradient at the basis: the coefficients learn exactly as they would, the gradient with
            respect to the input flows through the base branch alone (Grad-Free Spline, arXiv:2602.03156).
    """

    basis: Basis
    base: str | BaseFunction | None
    grad_free: bool

    def __init__(self, basis: BasisLike, base: str | BaseFunction | None = "silu", grad_free: bool = False):
        if isinstance(base, str) and base not in BASE_FUNCTIONS:
            raise unknown("base function", base, BASE_FUNCTIONS)
        for name, value in (("basis", as_basis(basis)), ("base", base), ("grad_free", grad_free)):
            object.__setattr__(self, name, value)  # the class is frozen

    def base_values(self, x: Tensor) -> Tensor:
        """b(x), of the shape of ``x``."""
        base = self.base
        if isinstance(base, str):
            return BASE_FUNCTIONS[base](x)
        if base is None:
            raise ConfigError("these functions have no base: give them one, such as base='silu'")
        return base(x)

    def basis_values(self, x: Tensor, state: State) -> Tensor:
        """All B_j(x): ``(..., features) -> (..., features, K)``, without a gradient to ``x`` if ``grad_free``."""
        return self.basis.evaluate(x.detach() if self.grad_free else x, state)


def in_full_precision(x: Tensor) -> Tensor:
    """At least float32: a basis on a fine grid has no digits to lose."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
