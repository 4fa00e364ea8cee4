"""Derivatives of the gradients that an operator computes by hand: through arithmetic that PyTorch knows."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


def derivatives_of_gradients(
    plain: Callable[..., Tensor], grad: Any, operands: Sequence[Tensor | None], weights: Sequence[Tensor | None]
) -> list[Any]:
    r""":math:`\sum_k w_k \cdot g_k`, g the gradients of operands and w the weights: with respect to grad and operands.

    Args:
        plain: From the operands to the result.
        grad: The gradient of the result.
        operands: Tensors, or None where there is none.
        weights: What flows back to the gradient of each operand, or None.
    """
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        grad, *operands = (
            t if t is None else t.view_as(t) if again and t.requires_grad else t.detach().requires_grad_()
            for t in (grad, *operands)
        )  # views: the gradient may itself depend on x, and what flows through it is not counted here
        present = [t for t in operands if t is not None]
        found = iter(torch.autograd.grad(plain(*operands), present, grad, create_graph=True, materialize_grads=True))
        first = [next(found) if t is not None else None for t in operands]
        pairs = [(f, w) for f, w in zip(first, weights, strict=True) if f is not None and w is not None and f.requires_grad]
        outputs, weights = zip(*pairs, strict=True)
        second = iter(torch.autograd.grad(outputs, [grad, *present], weights, create_graph=again, materialize_grads=True))
    return [next(second), *(next(second) if t is not None else None for t in operands)]
