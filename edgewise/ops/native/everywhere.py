"""Fully connected layers on bases whose functions are non-zero everywhere, on the compiled recurrences."""

import torch
from torch import Tensor

from edgewise.bases.basis import Basis
from edgewise.bases.chebyshev import Chebyshev
from edgewise.bases.fourier import Fourier
from edgewise.ops.edge import EdgeFunction
from edgewise.ops.native.operators import BASES
from edgewise.ops.plan import Planned

FAMILIES: tuple[type[Basis], ...] = (Chebyshev, Fourier)  # in the order of the enumeration in csrc/everywhere.h
_PLAIN = Planned()


def is_everywhere(basis: Basis) -> bool:
    """Whether the compiled recurrences know this basis."""
    return type(basis) in FAMILIES


class _Everywhere(torch.autograd.Function):
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
        own = _settings(ctx.edge, operands[2] is not None)
        found = torch.ops.edgewise.everywhere_sum_backward(gradient, *operands, *own, wants[0])
        return None, *(t if want else None for t, want in zip(found, wants, strict=True))


def _settings(edge: EdgeFunction, has_base: bool) -> tuple:
    basis = edge.basis
    outside = (basis.natural, "clamp", "linear").index(basis.outside)
    return FAMILIES.index(type(basis)), *basis.domain, outside, BASES.index(edge.base) if has_base else 0, edge.grad_free


def _compute(edge: EdgeFunction, x: Tensor, coef: Tensor, base: Tensor | None, scale: Tensor | None) -> Tensor:
    return torch.ops.edgewise.everywhere_sum(x, coef, base, scale, *_settings(edge, base is not None))


def everywhere_sum(edge: EdgeFunction, x: Tensor, coef: Tensor, base: Tensor | None, scale: Tensor | None) -> Tensor:
    """Carry out a sum over edges; nothing but ``x`` and the parameters is saved."""
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (x, coef, base, scale)):
        return _Everywhere.apply(edge, x, coef, base, scale)
    return _compute(edge, x, coef, base, scale)
