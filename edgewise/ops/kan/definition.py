r"""The definition of the edge sum, written to be read: plain autograd, no regard for memory or speed.

Legend of einsum letters: b batch, i inputs, o outputs, k basis functions, g groups, t taps of a window, l places.
"""

import torch
from torch import Tensor

from edgewise.bases.basis import State
from edgewise.ops.edge import EdgeFunction, in_full_precision
from edgewise.ops.window import Window


def linear(x: Tensor, edge: EdgeFunction, state: State, coef: Tensor, base_weight=None, scale=None) -> Tensor:
    r"""KAN layer, :math:`y_o = \sum_i w_{oi} b(x_i) + s_{oi} \sum_k c_{iko} B_k(x_i)`.

    Shape:
        x ``(b, i)``, coef ``(i, k, o)``, base_weight and scale ``(o, i)`` or None, result ``(b, o)``
    """
    x = in_full_precision(x)
    if scale is not None:
        coef = coef * scale.t().unsqueeze(1)
    y = torch.einsum("bik,iko->bo", edge.basis_values(x, state).to(coef.dtype), coef)
    if base_weight is not None:
        y = y + torch.einsum("bi,oi->bo", edge.base_values(x).to(base_weight.dtype), base_weight)
    return y


def conv(x: Tensor, edge: EdgeFunction, state: State, coef: Tensor, base_weight, scale, window: Window) -> Tensor:
    r"""KAN convolution: a function of its own for each output channel, input channel and tap, on the unfolded input.

    Shape:
        x ``(b, C, *space)``, coef ``(C / groups, k, *kernel, O)``, base_weight and scale ``(O, C / groups, *kernel)``,
        result ``(b, O, *out)``
    """
    patches, spline, base = unfold(x, edge, state, window)
    if scale is not None:
        coef = coef * scale.movedim(0, -1).unsqueeze(1)
    g = window.groups
    coef = coef.flatten(2, -2).unflatten(-1, (g, -1))  # (i, k, t, g, o)
    y = torch.einsum("bltgik,iktgo->bgol", spline.unflatten(3, (g, -1)).to(coef.dtype), coef)
    if base_weight is not None:
        y = y + base_conv(base, base_weight, g)
    return y.flatten(1, 2).unflatten(2, patches.shape[1 : 1 + len(window.kernel_size)])


def unfold(x: Tensor, edge: EdgeFunction, state: State, window: Window) -> tuple[Tensor, Tensor, Tensor]:
    """What each tap sees and the functions of it: ``(b, *out, t, C)``, ``(b, l, t, C, k)``, ``(b, l, t, C)``."""
    space = len(window.kernel_size)
    x = window.arrange(in_full_precision(x))
    inside = torch.ones_like(x)
    if window.padding_mode == "silent":
        x, inside = (window.pad(t.movedim(-1, 1)).movedim(1, -1) for t in (x, inside))
    patches, inside = (torch.stack([window.view(t, tap) for tap in window.taps()], space + 1) for t in (x, inside))
    inside = inside.flatten(1, space)
    flat = patches.flatten(1, space)
    base = edge.base_values(flat) * inside if edge.base is not None else flat
    return patches, edge.basis_values(flat, state) * inside.unsqueeze(-1), base


def base_conv(base: Tensor, weight: Tensor, groups: int) -> Tensor:
    """The base branch from its unfolded values ``(b, l, t, C)``: ``(b, groups, O / groups, l)``."""
    weight = weight.flatten(2).unflatten(0, (groups, -1))  # (g, o, i, t)
    return torch.einsum("bltgi,goit->bgol", base.unflatten(3, (groups, -1)).to(weight.dtype), weight)
