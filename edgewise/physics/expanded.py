"""A function known by its values and derivatives at points, as autograd sees it."""

import torch
from torch import Tensor


def expanded(x: Tensor, value: Tensor, *derivatives: Tensor) -> Tensor:
    """Values that autograd can differentiate by the points, as often as derivatives are given; further ones are NaN.

    Args:
        x: Points, ``(N, d)``.
        value: ``(N, n)``.
        derivatives: Of the first order ``(N, n, d)``, of the second ``(N, n, d, d)``, and so on.

    Example:
        >>> x = torch.tensor([[3.0]], requires_grad=True)
        >>> square = expanded(x, torch.tensor([[9.0]]), torch.tensor([[[6.0]]]))
        >>> torch.autograd.grad(square, x)[0].item()
        6.0
    """
    return _Expanded.apply(x, value, *derivatives)


class _Expanded(torch.autograd.Function):
    """The first of some tensors, whose derivative by the points is the second, and so on."""

    @staticmethod
    def forward(ctx, x, first, *further):
        ctx.save_for_backward(x, *further)
        return first.clone()

    @staticmethod
    def backward(ctx, *grads):
        (grad,) = grads
        x, *further = ctx.saved_tensors
        by_x = None
        if ctx.needs_input_grad[0]:
            if further:
                by_x = (grad.unsqueeze(-1) * _Expanded.apply(x, *further)).flatten(1, -2).sum(1)
            else:
                by_x = torch.full_like(x, torch.nan)
        return by_x, grad, *([None] * len(further))
