r"""The curvature of a sparsity penalty, so that it can be minimised by Gauss-Newton steps.

A penalty in the standard deviations :math:`\sigma_e = \sqrt{w_e^T C w_e}` of edges has no second derivative where an edge
vanishes. Reweighted least squares puts a parabola through it that touches at the present point and lies above a concave
penalty: :math:`\sigma \le \sigma_0/2 + \sigma^2 / (2 \sigma_0)`, whose curvature is :math:`C / \sigma_0`.
"""

import torch
from torch import Tensor

from edgewise.fitting.data import Table
from edgewise.interpret.deviations import Deviations, deviations
from edgewise.interpret.sparsity import Sparsity
from edgewise.models.kan import KAN
from edgewise.nn import KANLayer

FLOOR = 1e-3  # of the largest deviation: below, an edge is treated as if it were so large


def penalty_curvature(
    model: KAN, data: Table, sparsity: Sparsity, parameters: list[Tensor]
) -> tuple[float, Tensor, Tensor]:
    """Value, gradient ``(P,)`` and curvature ``(P, P)`` of a penalty with respect to the numbers of ``parameters``.

    Args:
        model: The network.
        data: The rows on which deviations are measured.
        sparsity: The penalty.
        parameters: Parameters of the network; their numbers follow one another.
    """
    with torch.enable_grad():
        found = deviations(model, model.trace(data.x))
        value = sparsity.of(model, found)
        slopes = torch.autograd.grad(value, [d.numeric for d in found], retain_graph=True, materialize_grads=True)
        gradient = torch.autograd.grad(value, parameters, materialize_grads=True)
    count = sum(p.numel() for p in parameters)
    starts, total = {}, 0
    for p in parameters:
        starts[id(p)], total = total, total + p.numel()
    curvature = torch.zeros(count, count, dtype=torch.double, device=data.x.device)
    for layer, deviation, slope in zip(model, found, slopes, strict=True):
        _add_layer(curvature, layer, deviation, slope, starts)
    return value.item(), torch.cat([g.double().flatten() for g in gradient]), curvature


def _add_layer(curvature: Tensor, layer: KANLayer, deviation: Deviations, slope: Tensor, starts: dict[int, int]) -> None:
    size = deviation.numeric.detach().double()
    weight = slope.clamp_min(0) / size.clamp_min(FLOOR * size.max().clamp_min(1e-12))  # (S, in)
    scale = layer.mask.double() if layer.scale is None else layer.mask * layer.scale.detach().double()
    columns, factors = [], []  # (in, functions, S) of numbers, and what multiplies each in the edge
    if layer.base_weight is not None and id(layer.base_weight) in starts:
        columns.append(_places(layer.base_weight, starts).t().unsqueeze(1))
        factors.append(layer.mask.double().t().unsqueeze(1))
    if id(layer.coef) in starts:
        columns.append(_places(layer.coef, starts))
        factors.append(scale.t().unsqueeze(1).expand_as(layer.coef))
    if not columns:
        return
    column, factor = (torch.cat(t, 1).movedim(2, 1) for t in (columns, factors))  # (in, S, functions)
    kept = slice(-column.shape[2], None) if len(columns) == 1 and id(layer.coef) in starts else slice(column.shape[2])
    covariance = deviation.covariance.detach()[:, kept, kept].unsqueeze(1)
    blocks = covariance * factor.unsqueeze(-1) * factor.unsqueeze(-2) * weight.t()[..., None, None]
    curvature.index_put_((column.unsqueeze(-1), column.unsqueeze(-2)), blocks, accumulate=True)


def _places(parameter: Tensor, starts: dict[int, int]) -> Tensor:
    start = starts[id(parameter)]
    return torch.arange(start, start + parameter.numel(), device=parameter.device).view_as(parameter)
