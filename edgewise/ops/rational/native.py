"""The rational functions of degrees 5 and 4 on the compiled operators."""

from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.ops.native.library import available
from edgewise.ops.rational.lean import LeanRational

COEFFICIENTS = (6, 4)  # above and below, for which there are kernels


@dataclass(frozen=True)
class NativeRational(LeanRational):
    """Of x, numerators and denominators; what the operators do not cover is carried out in chunks."""

    def fast(self, x, a, b):
        if not _covered(x, a, b):
            return super().fast(x, a, b)
        return torch.ops.edgewise.rational(x.reshape(-1, x.shape[-1]), a, b, self.reading == "terms").view(x.shape), ()

    def gradients(self, gradient, operands, wants, kept):
        # shape: x and gradient (..., C), a (groups, 6), b (groups, 4)
        x, a, b = operands
        if not _covered(x, a, b):
            return super().gradients(gradient, operands, wants, kept)
        flat = (t.reshape(-1, x.shape[-1]) for t in (gradient, x))
        dx, da, db = torch.ops.edgewise.rational_backward(*flat, a, b, self.reading == "terms")
        return dx.view(x.shape), da.to(a.dtype), db.to(b.dtype)


def _covered(x: Tensor, a: Tensor, b: Tensor) -> bool:
    """Whether the operators can work on these tensors; they are built if it is the first time."""
    return (
        x.is_cpu
        and x.dtype in (torch.float32, torch.float64)
        and x.dtype == a.dtype == b.dtype
        and (a.shape[1], b.shape[1]) == COEFFICIENTS
        and available()
    )
