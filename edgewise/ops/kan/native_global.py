"""The edge sum of fully connected layers on bases with global support: their functions are non-zero everywhere."""

import torch
from torch import Tensor

from edgewise.ops.edge import EdgeFunction
from edgewise.ops.kan.lean import PlannedKAN
from edgewise.ops.native.functions import global_settings

_PLAIN = PlannedKAN()


class _GlobalSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx, edge: EdgeFunction, x: Tensor, coef: Tensor, base: Tensor | None, scale: Tensor | None) -> Tensor:
        ctx.edge = edge
        ctx.save_for_backward(x, coef, base, scale)
        return _compute(edge, x, coef, base, scale)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        operands, wants = ctx.saved_tensors, ctx.needs_input_grad[1:]
        if torch.is_grad_enabled():  # a gradient of this gradient is wanted
            x, coef, base, scale = operands
            inputs = [t for t, want in zip(operands, wants, strict=True) if want]
            y = _PLAIN.linear(x, ctx.edge, {}, coef, base, scale)
            found = iter(torch.autograd.grad(y, inputs, gradient, create_graph=True, materialize_grads=True))
            return None, *(next(found) if want else None for want in wants)
        own = global_settings(ctx.edge, operands[2] is not None)
        found = torch.ops.edgewise.global_sum_backward(gradient, *operands, *own, wants[0])
        return None, *(t if want else None for t, want in zip(found, wants, strict=True))


def _compute(edge: EdgeFunction, x: Tensor, coef: Tensor, base: Tensor | None, scale: Tensor | None) -> Tensor:
    return torch.ops.edgewise.global_sum(x, coef, base, scale, *global_settings(edge, base is not None))


def global_sum(edge: EdgeFunction, x: Tensor, coef: Tensor, base: Tensor | None, scale: Tensor | None) -> Tensor:
    """Carry out a sum over edges; nothing but ``x`` and the parameters is saved."""
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (x, coef, base, scale)):
        return _GlobalSum.apply(edge, x, coef, base, scale)
    return _compute(edge, x, coef, base, scale)
