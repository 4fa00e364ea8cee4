"""The native backend: C++ kernels for the CPU; what they do not cover is carried out by the lean backend."""

import torch
from torch import Tensor

from edgewise.bases.basis import Basis, State
from edgewise.bases.bspline import BSpline
from edgewise.ops.edge import EdgeFunction
from edgewise.ops.lean import run_lean
from edgewise.ops.native.everywhere import everywhere_sum, is_everywhere
from edgewise.ops.native.operators import BASES, available, load, settings
from edgewise.ops.native.shared import SharedSum, shared_sum
from edgewise.ops.native.tables import tables_of
from edgewise.ops.plan import Planned
from edgewise.ops.window import Window

__all__ = ["Native", "available", "load"]

_DTYPES = (torch.float32, torch.float64, torch.bfloat16)


class Native(Planned):
    """Sums over edges by the work that B-splines need, degree + 1 functions an input, however fine the grid.

    There are kernels for layers of all kinds on B-splines of degree 1 to 5, and for fully connected layers on Chebyshev
    polynomials and Fourier series; in float32, float64 and bfloat16 (stored so, computed in float32), on the CPU, outside
    autocast and ``torch.func``. What they do not cover, the lean backend does.
    """

    def __init__(self):
        super().__init__(run_lean)

    def linear(self, x, edge: EdgeFunction, state: State, coef, base_weight=None, scale=None) -> Tensor:
        if is_everywhere(edge.basis) and _eager() and _covered(x, edge, state, coef, base_weight, scale):
            return everywhere_sum(edge, x, coef, base_weight, scale)
        if not (_is_spline(edge.basis) and _covered(x, edge, state, coef, base_weight, scale)):
            return super().linear(x, edge, state, coef, base_weight, scale)
        own = settings(edge, base_weight is not None)
        return torch.ops.edgewise.edge_sum(x, coef, base_weight, scale, state.get("knots"), None, None, 1, 1, *own)

    def conv(self, x, edge: EdgeFunction, state: State, coef, base_weight, scale, window: Window) -> Tensor:
        if not (_is_spline(edge.basis) and _eager() and _covered(x, edge, state, coef, base_weight, scale)):
            return super().conv(x, edge, state, coef, base_weight, scale, window)
        tables, own = tables_of(window, tuple(x.shape[2:])), settings(edge, base_weight is not None)
        flat = (x.flatten(2), coef.flatten(2, -2), *(None if t is None else t.flatten(2) for t in (base_weight, scale)))
        rows = torch.ops.edgewise.edge_sum(*flat, state.get("knots"), *tables, window.groups, *own)
        return rows.view(len(x), *window.output_size(tuple(x.shape[2:])), coef.shape[-1]).movedim(-1, 1)

    def shared_linear(self, x, edge: EdgeFunction, state: State, coef, mix, base_weight=None) -> Tensor:
        if not (_is_spline(edge.basis) and _eager() and _covered(x, edge, state, coef, mix, base_weight)):
            return super().shared_linear(x, edge, state, coef, mix, base_weight)
        return shared_sum(SharedSum(edge, None), x, state.get("knots"), coef, mix, base_weight)

    def shared_conv(self, x, edge: EdgeFunction, state: State, coef, mix, base_weight, window: Window) -> Tensor:
        zeros = window.padding_mode in ("zeros", "silent") and all(before == after for before, after in window.padding)
        if not (zeros and _is_spline(edge.basis) and _eager() and _covered(x, edge, state, coef, mix, base_weight)):
            return super().shared_conv(x, edge, state, coef, mix, base_weight, window)
        return shared_sum(SharedSum(edge, window), x, state.get("knots"), coef, mix, base_weight)


def _eager() -> bool:
    """Whether this is no graph being made: graphs of convolutions and shared functions are made of plain arithmetic."""
    return not torch.compiler.is_compiling()


def _is_spline(basis: Basis) -> bool:
    return type(basis) is BSpline and basis.degree > 0


def _covered(x: Tensor, edge: EdgeFunction, state: State, *weights: Tensor | None) -> bool:
    """Whether the kernels can work on these tensors; they are built if it is the first time."""
    return (
        x.is_cpu
        and x.dtype in _DTYPES
        and (isinstance(edge.base, str) or edge.base is None)
        and edge.base in BASES
        and all(t is None or (t.dtype == x.dtype and t.is_cpu) for t in weights)
        and all(t.dtype == x.dtype and not t.requires_grad for t in state.values())
        and not torch.is_autocast_enabled("cpu")
        and not torch._C._are_functorch_transforms_active()
        and available()
    )
