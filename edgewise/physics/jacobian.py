"""The derivatives of residuals by each parameter, at each point: the general way, for any model and any equation."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, vjp, vmap

from edgewise.ops import use_backend
from edgewise.physics.term import Term


def jacobian(model: nn.Module, term: Term, parameters: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The residuals ``(R,)`` of a term and their derivatives ``(R, P)`` by the named parameters of the model.

    Each point gets parameters of its own, all equal. A point's residual depends on its own alone, so the gradient of the
    sum holds the derivatives at all points. What the operator reads of the model beside calling it (an unknown coefficient,
    a second network) are the parameters themselves; their derivatives are added one by one.
    """
    copies = {name: p.detach().expand(len(term.points), *p.shape).requires_grad_() for name, p in parameters.items()}

    def at_point(own: dict[str, Tensor], point: Tensor) -> Tensor:
        # vmap hides that a point has a gradient, from layers that are quicker without; vjp shows it
        return vjp(lambda row: functional_call(model, own, (row,)), point.unsqueeze(0))[0].squeeze(0)

    with torch.enable_grad(), use_backend("plain"):
        residual = term.residual(lambda x: vmap(at_point)(copies, x)).reshape(len(term.points), -1)
        columns = residual.sum(0).unbind()
    if not residual.requires_grad:
        return residual.new_zeros(residual.numel(), sum(p.numel() for p in parameters.values())), residual.flatten()
    rows = []
    for column in columns:
        found = torch.autograd.grad(column, list(copies.values()), retain_graph=True, materialize_grads=True)
        rows.append(torch.cat([gradient.reshape(len(gradient), -1) for gradient in found], 1))
    found = torch.stack(rows, 1).flatten(0, 1)
    return found + read_directly(residual, list(parameters.values())), residual.detach().flatten()


@torch.enable_grad()
def read_directly(residual: Tensor, parameters: list[Tensor]) -> Tensor:
    """Derivatives ``(R, P)`` by the parameters themselves: the gradient of a weighted sum, and of that by the weights."""
    residual = residual.flatten()
    weights = torch.ones_like(residual, requires_grad=True)
    sums = torch.autograd.grad(residual, parameters, weights, create_graph=True, allow_unused=True)
    if all(found is None for found in sums):
        return residual.new_zeros(len(residual), sum(p.numel() for p in parameters))
    columns = []
    for parameter, found in zip(parameters, sums, strict=True):
        numbers = [] if found is None else found.reshape(-1).unbind()
        columns += [torch.autograd.grad(number, weights, retain_graph=True)[0] for number in numbers]
        columns += [torch.zeros_like(residual)] * (parameter.numel() if found is None else 0)
    return torch.stack(columns, 1)
