r"""The curvature of a sparsity penalty, so that it can be minimised by Gauss-Newton steps.

A penalty in the standard deviations :math:`\sigma_e = \sqrt{w_e^T C w_e}` of edges has no second derivative where an edge
vanishes. Reweighted least squares puts a parabola through it that touches at the present point and lies above a concave
penalty: :math:`\sigma \le \sigma_0/2 + \sigma^2 / (2 \sigma_0)`, whose curvature is :math:`C / \sigma_0`. The same serves
magnitudes of coefficients and of their differences.
"""

import torch
from torch import Tensor

from edgewise.kan.fitting.data import Table
from edgewise.kan.interpret.deviations import Deviations, deviations
from edgewise.kan.interpret.sparsity import Sparsity
from edgewise.kan.layer import KANLayer
from edgewise.kan.network import Network

FLOOR = 1e-3  # of the largest deviation: below, an edge is treated as if it were so large
NOTHING = 1e-12  # and of edges that are all zero, if there are only those


def penalty_curvature(model: Network, data: Table, sparsity: Sparsity, parameters: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Gradient ``(P,)`` and curvature ``(P, P)`` of a penalty with respect to the numbers of ``parameters``.

    Args:
        model: The network.
        data: The rows on which deviations are measured.
        sparsity: The penalty.
        parameters: Parameters of the network; their numbers follow one another.
    """
    with torch.enable_grad():
        found = deviations(model, model.trace(data.x))
        value = sparsity.of(model, found)
        slopes = _gradients(value, [d.numeric for d in found])
        gradient = _gradients(value, parameters)
    places, count = {}, 0
    for p in parameters:
        places[id(p)] = torch.arange(count, count + p.numel(), device=p.device).view_as(p)
        count += p.numel()
    curvature = torch.zeros(count, count, dtype=torch.double, device=data.x.device)
    for layer, deviation, slope in zip(model, found, slopes, strict=True):
        _add_deviations(curvature, layer, deviation, slope, places)
        if id(layer.coef) in places:
            _add_magnitudes(curvature, layer, sparsity, places[id(layer.coef)])
    return torch.cat([g.double().flatten() for g in gradient]), curvature


def _gradients(value: Tensor, of: list[Tensor]) -> list[Tensor]:
    """Zero where nothing depends on anything: a measure without gradient, edges that are all frozen."""
    found = [torch.zeros_like(t) for t in of]
    moving = [i for i, t in enumerate(of) if t.requires_grad]
    if value.requires_grad and moving:
        gradients = torch.autograd.grad(value, [of[i] for i in moving], retain_graph=True, materialize_grads=True)
        for i, gradient in zip(moving, gradients, strict=True):
            found[i] = gradient
    return found


def _add_deviations(
    curvature: Tensor, layer: KANLayer, deviation: Deviations, slope: Tensor, places: dict[int, Tensor]
) -> None:
    """What the deviations of a layer's edges contribute, by the derivatives of their weights w."""
    # shape: curvature (P, P), slope (S, in), places like their parameters
    weight = slope.clamp_min(0) / _floored(deviation.numeric.detach().double())  # (S, in)
    columns, rows = _weights_by_parameters(layer, places)
    if not columns:
        return
    column, row = torch.cat(columns, 2), torch.cat(rows, 3)  # (in, S, n) of numbers, (in, S, functions, n)
    covariance = deviation.covariance.detach().unsqueeze(1) * weight.t()[..., None, None]
    curvature.index_put_((column.unsqueeze(-1), column.unsqueeze(-2)), row.mT @ covariance @ row, accumulate=True)


def _weights_by_parameters(layer: KANLayer, places: dict[int, Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The numbers that shape each edge, and the derivatives by them of its weights of ``[b, B_1 .. B_K]``."""
    coef, mask = layer.coef.detach().double().movedim(2, 1), layer.mask.double().t()  # (in, S, K), (in, S)
    functions = coef.shape[2] + (layer.base_weight is not None)
    unit = torch.eye(functions, dtype=torch.double, device=coef.device) * mask[..., None, None]
    scale = 1.0 if layer.scale is None else layer.scale.detach().double().t()[..., None, None]
    splines = unit[..., functions - coef.shape[2] :]
    columns, rows = [], []
    if layer.base_weight is not None and id(layer.base_weight) in places:
        columns.append(places[id(layer.base_weight)].t().unsqueeze(2))
        rows.append(unit[..., :1])
    if id(layer.coef) in places:
        columns.append(places[id(layer.coef)].movedim(2, 1))
        rows.append(splines * scale)
    if layer.scale is not None and id(layer.scale) in places:
        columns.append(places[id(layer.scale)].t().unsqueeze(2))
        rows.append(splines @ coef.unsqueeze(-1))
    return columns, rows


def _add_magnitudes(curvature: Tensor, layer: KANLayer, sparsity: Sparsity, places: Tensor) -> None:
    """What the magnitudes of coefficients and of their differences contribute."""
    # shape: curvature (P, P), places like coef (in, K, S)
    coef, outputs = layer.coef.detach().double(), layer.coef.shape[-1]
    if sparsity.coef:
        curvature[places, places] += sparsity.strength * sparsity.coef / outputs / _floored(coef.abs())
    if sparsity.coef_diff:
        weight = sparsity.strength * sparsity.coef_diff / outputs / _floored(coef.diff(dim=1).abs())
        left, right = places[:, :-1], places[:, 1:]
        for one, other, sign in ((left, left, 1), (right, right, 1), (left, right, -1), (right, left, -1)):
            curvature.index_put_((one, other), sign * weight, accumulate=True)


def _floored(size: Tensor) -> Tensor:
    return size.clamp_min(FLOOR * size.max().clamp_min(NOTHING))
