"""Operands of the operator ``edge_sum``."""

import torch

from edgewise.bases import BSpline
from edgewise.ops import EdgeFunction
from edgewise.ops.native.functions import spline_settings

NONE = (None, None, 1, 1)  # no tables, one row, one group


def operands(basis=BSpline(), batch=6, ins=4, outs=5, dtype=torch.float64, grad_free=False):  # noqa: B008
    edge = EdgeFunction(basis, grad_free=grad_free)
    knots = basis.init_state(ins, dtype=dtype).get("knots")
    tensors = (
        torch.randn(batch, ins, dtype=dtype),
        torch.randn(ins, basis.num_functions, outs, dtype=dtype),
        torch.randn(outs, ins, dtype=dtype),
        torch.randn(outs, ins, dtype=dtype),
    )
    return [t.requires_grad_() for t in tensors], knots, spline_settings(edge, True)
