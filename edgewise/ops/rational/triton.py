"""The rational functions on Triton's kernels.

Graphs are made of plain arithmetic: it is pointwise, so that a compiler merges it with its neighbours.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.ops.rational.lean import LeanRational
from edgewise.ops.triton import available

_DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
_MOST_GROUPS = 65535  # programs in the second dimension of a grid


@dataclass(frozen=True)
class TritonRational(LeanRational):
    """Of x, numerators and denominators; what the kernels do not cover is carried out in chunks."""

    def fast(self, x, a, b):
        if not _covered(x, a, b):
            return super().fast(x, a, b)
        from edgewise.ops.rational import triton_kernels

        with torch.cuda.device_of(x):
            return triton_kernels.forward(x, a, b, self.reading == "terms"), ()

    def gradients(self, gradient, operands, wants, kept):
        # shape: gradient and x (..., C), a (groups, m + 1), b (groups, n)
        x, a, b = operands
        if not _covered(x, a, b):
            return super().gradients(gradient, operands, wants, kept)
        from edgewise.ops.rational import triton_kernels

        with torch.cuda.device_of(x):
            return triton_kernels.backward(gradient, x, a, b, self.reading == "terms")


def _covered(x: Tensor, a: Tensor, b: Tensor) -> bool:
    """Whether the kernels can work on these tensors."""
    return (
        all(t.dtype in _DTYPES for t in (x, a, b))
        and x.device == a.device == b.device
        and len(a) <= _MOST_GROUPS
        and available(x.device)
    )
