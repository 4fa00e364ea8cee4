"""What the kernels know of the functions on edges, and whether they can work on given tensors."""

from typing import Any

import torch
from torch import Tensor

from edgewise._ground.precision import autocast_dtype
from edgewise.bases.basis import Basis, State
from edgewise.bases.bspline import BSpline
from edgewise.bases.chebyshev import Chebyshev
from edgewise.bases.fourier import Fourier
from edgewise.ops.edge import EdgeFunction
from edgewise.ops.native.library import available

# In the order of the enumerations in spline.h and recurrences.h.
OUTSIDE = ("zero", "clamp", "linear")
BASE_FUNCTIONS = (None, "silu", "gelu", "relu", "tanh", "identity")
GLOBAL_BASES: tuple[type[Basis], ...] = (Chebyshev, Fourier)  # whose functions are non-zero everywhere
_DTYPES = (torch.float32, torch.float64, torch.bfloat16)


def is_spline(basis: Basis) -> bool:
    """Whether the kernels know its cells."""
    return type(basis) is BSpline and basis.degree > 0


def is_global(basis: Basis) -> bool:
    """Whether the kernels know its recurrence."""
    return type(basis) in GLOBAL_BASES


def spline_settings(edge: EdgeFunction, has_base: bool) -> tuple:
    """What the kernels are told of splines: cells, degree, domain, rule outside, base function, grad-free."""
    basis: Any = edge.basis  # which is_spline knows
    return basis.grid_size, basis.degree, *basis.domain, OUTSIDE.index(basis.outside), *_rest(edge, has_base)


def global_settings(edge: EdgeFunction, has_base: bool) -> tuple:
    """What the kernels are told of global functions: family, domain, rule outside, base function, grad-free."""
    basis = edge.basis
    outside = (basis.natural, "clamp", "linear").index(basis.outside)
    return GLOBAL_BASES.index(type(basis)), *basis.domain, outside, *_rest(edge, has_base)


def _rest(edge: EdgeFunction, has_base: bool) -> tuple[int, bool]:
    return BASE_FUNCTIONS.index(edge.base) if has_base else 0, edge.grad_free


def covered(x: Tensor, edge: EdgeFunction, state: State, *weights: Tensor | None) -> bool:
    """Whether the kernels can work on these tensors; they are built if it is the first time."""
    return (
        x.is_cpu
        and x.dtype in _DTYPES
        and (isinstance(edge.base, str) or edge.base is None)
        and edge.base in BASE_FUNCTIONS
        and all(t is None or (t.dtype == x.dtype and t.is_cpu) for t in weights)
        and all(t.dtype == x.dtype and not t.requires_grad for t in state.values())
        and autocast_dtype(x) is None
        and available()
    )
