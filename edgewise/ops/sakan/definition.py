r"""The definition of sums with shared functions, in the letters of :mod:`edgewise.ops.kan.definition`."""

import torch
from torch import Tensor

from edgewise.bases.basis import State
from edgewise.ops.edge import EdgeFunction, in_full_precision
from edgewise.ops.kan.definition import base_conv, unfold
from edgewise.ops.window import Window


def linear(x: Tensor, edge: EdgeFunction, state: State, coef: Tensor, mix: Tensor, base_weight=None) -> Tensor:
    r"""SaKAN layer, :math:`y_o = \sum_i w_{oi} b(x_i) + \sum_i \lambda_i \phi_o(x_i)`, :math:`\phi_o = \sum_k c_{ok} B_k`.

    Shape:
        x ``(b, i)``, coef ``(o, k)``, mix (the lambdas) ``(i,)``, base_weight ``(o, i)`` or None, result ``(b, o)``
    """
    x = in_full_precision(x)
    functions = torch.einsum("bik,ok->bio", edge.basis_values(x, state).to(coef.dtype), coef)
    y = (functions * mix.unsqueeze(-1)).sum(1)
    if base_weight is not None:
        y = y + torch.einsum("bi,oi->bo", edge.base_values(x).to(base_weight.dtype), base_weight)
    return y


def conv(x: Tensor, edge: EdgeFunction, state: State, coef: Tensor, mix: Tensor, base_weight, window: Window) -> Tensor:
    r"""SaKAN convolution: one function an output channel, shared by all input channels and taps of its window.

    Shape:
        x ``(b, C, *space)``, coef ``(O, k)``, mix ``(groups, C / groups, *kernel)``,
        base_weight ``(O, C / groups, *kernel)`` or None, result ``(b, O, *out)``
    """
    patches, spline, base = unfold(x, edge, state, window)
    g = window.groups
    functions = torch.einsum("bltgik,gok->bltgio", spline.unflatten(3, (g, -1)).to(coef.dtype), coef.unflatten(0, (g, -1)))
    y = (functions * mix.flatten(2).permute(2, 0, 1).unsqueeze(-1)).sum((2, 4)).movedim(1, -1)  # (b, g, o, l)
    if base_weight is not None:
        y = y + base_conv(base, base_weight, g)
    return y.flatten(1, 2).unflatten(2, patches.shape[1 : 1 + len(window.kernel_size)])
