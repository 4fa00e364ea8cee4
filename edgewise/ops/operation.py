"""Operations with a gradient written by hand, and when PyTorch needs the plain arithmetic instead.

A gradient written by hand saves less than autograd's, and may be a kernel. But nothing sees through it: a derivative of
the gradient, a forward-mode derivative, a transform of ``torch.func`` or a compiler needs arithmetic that PyTorch knows.
So each operation has two forms, and this file alone decides between them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from edgewise._ground.precision import as_written
from edgewise._ground.torch_private import is_batch_of_gradients, transformed, watched

Operands = Sequence[Any]
"""Tensors, or None in the places that an operation lets be empty: each knows its own."""


class Operation:
    """Base of the operations: a subclass holds what is no tensor, and says how operands become a result."""

    plain: Callable[..., Tensor]
    """From its operands to the result, in PyTorch's own arithmetic."""
    fast: Callable[..., tuple[Tensor, tuple[Tensor, ...]]]
    """The same, and what beside the operands the gradients need; nothing is recorded."""

    def gradients(self, gradient: Tensor, operands: Operands, wants: Sequence[bool], kept: Sequence[Tensor]) -> Operands:
        """Of each operand, given that of the result; what stands for one that is not wanted does not matter."""
        raise NotImplementedError

    def __call__(self, *operands: Tensor | None) -> Tensor:
        """Carry it out; only the operands and what :meth:`fast` keeps are saved for the backward."""
        if watched():
            return self.plain(*operands)
        if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in operands):
            return _ByHand.apply(self, *operands)
        return self.fast(*operands)[0]


class _ByHand(torch.autograd.Function):
    @staticmethod
    def forward(ctx, operation: Operation, *operands: Tensor | None) -> Tensor:
        result, kept = operation.fast(*operands)
        ctx.operation, ctx.count = operation, len(operands)
        ctx.save_for_backward(*operands, *kept)
        return result

    @staticmethod
    def backward(ctx, *gradients: Tensor):
        (gradient,) = gradients
        saved, wants = ctx.saved_tensors, ctx.needs_input_grad[1:]  # unpacked once: a checkpoint allows no more
        operands, kept = saved[: ctx.count], saved[ctx.count :]
        with as_written(gradient):
            if torch.is_grad_enabled() or transformed() or is_batch_of_gradients(gradient):
                found = _plain_gradients(ctx.operation, gradient, operands, wants)
            else:
                found = ctx.operation.gradients(gradient, operands, wants, kept)
        return None, *(t if want else None for t, want in zip(found, wants, strict=True))


def _plain_gradients(operation: Operation, gradient: Tensor, operands: Operands, wants: Sequence[bool]) -> Operands:
    """A derivative of the gradients is wanted, so that PyTorch has to see every step of them.

    With respect to views: an operand may depend on another one, and what flows through that is counted there.
    """
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        views = [t.view_as(t) if want else t for t, want in zip(operands, wants, strict=True)]
        result = operation.plain(*views)
    inputs = [t for t, want in zip(views, wants, strict=True) if want]
    found = iter(torch.autograd.grad(result, inputs, gradient, create_graph=again, materialize_grads=True))
    return [next(found) if want else None for want in wants]
