"""The edge sum on the compiled operators: as PyTorch knows them, with their second derivatives, and the ops."""

import torch
from torch import Tensor

from edgewise._ground.torch_private import transformed, watched
from edgewise.bases.basis import State
from edgewise.bases.bspline import BSpline
from edgewise.ops.edge import EdgeFunction
from edgewise.ops.kan.lean import PlannedKAN
from edgewise.ops.kan.native_global import GlobalSum
from edgewise.ops.native.functions import (
    BASE_FUNCTIONS,
    OUTSIDE,
    covered,
    is_global,
    is_spline,
    spline_settings,
)
from edgewise.ops.native.library import REGISTRY, described
from edgewise.ops.native.tables import tables_of
from edgewise.ops.second import derivatives_of_gradients
from edgewise.ops.window import Window

_TENSORS = 8  # the first arguments of the backward operator: the gradient, x, coef, base, scale, knots, source, meets


class NativeKAN(PlannedKAN):
    """The ops on the compiled operators; what these do not cover is carried out by plan.

    Graphs of fully connected layers on splines keep the operator; all others are made of plain arithmetic.
    """

    def linear(self, x, edge: EdgeFunction, state: State, coef, base_weight=None, scale=None) -> Tensor:
        """As :func:`edgewise.ops.kan.definition.linear`."""
        if is_global(edge.basis) and covered(x, edge, state, coef, base_weight, scale):
            return GlobalSum(edge)(x, coef, base_weight, scale)
        if not (is_spline(edge.basis) and covered(x, edge, state, coef, base_weight, scale)) or transformed():
            return super().linear(x, edge, state, coef, base_weight, scale)
        own = spline_settings(edge, base_weight is not None)
        return torch.ops.edgewise.edge_sum(x, coef, base_weight, scale, state.get("knots"), None, None, 1, 1, *own)

    def conv(self, x, edge: EdgeFunction, state: State, coef, base_weight, scale, window: Window) -> Tensor:
        """As :func:`edgewise.ops.kan.definition.conv`."""
        if not (is_spline(edge.basis) and covered(x, edge, state, coef, base_weight, scale)) or watched():
            return super().conv(x, edge, state, coef, base_weight, scale, window)
        tables, own = tables_of(window, tuple(x.shape[2:])), spline_settings(edge, base_weight is not None)
        flat = (x.flatten(2), coef.flatten(2, -2), *(None if t is None else t.flatten(2) for t in (base_weight, scale)))
        rows = torch.ops.edgewise.edge_sum(*flat, state.get("knots"), *tables, window.groups, *own)
        return rows.view(len(x), *window.output_size(tuple(x.shape[2:])), coef.shape[-1]).movedim(-1, 1)


@described
def _describe() -> None:
    @torch.library.register_fake("edgewise::edge_sum")
    def _(x, coef, base, scale, knots, source, meets, rows, *_):
        return x.new_empty(x.shape[0] * rows, coef.shape[-1])

    @torch.library.register_fake("edgewise::edge_sum_backward")
    def _(grad, x, coef, base, scale, *rest):
        none = x.new_empty(0)
        found = [x if rest[-1] else None, coef, base, scale]
        return tuple(none if t is None else torch.empty_like(t) for t in found)

    torch.library.register_autograd("edgewise::edge_sum_backward", _second_backward, setup_context=_keep, lib=REGISTRY)


def _keep(ctx, inputs, output) -> None:
    ctx.save_for_backward(*inputs[:_TENSORS])
    ctx.settings, ctx.wants_input = inputs[_TENSORS:-1], inputs[-1]


def _second_backward(ctx, *gradients):
    """The derivative of the gradients, by autograd through :func:`plain`."""
    # shape: grad (n x rows, outputs), the rest as in plain; gradients like x, coef, base and scale
    grad, *operands, knots, source, meets = ctx.saved_tensors
    weights = [gradients[0] if ctx.wants_input else None, *gradients[1:]]
    mine = derivatives_of_gradients(
        lambda *tensors: plain(*[*tensors, knots, source, meets, *ctx.settings]), grad, operands, weights
    )
    return *mine, *[None] * (len(ctx.needs_input_grad) - len(mine))


def plain(
    x: Tensor, coef: Tensor, base: Tensor | None, scale: Tensor | None, knots: Tensor | None, source: Tensor | None,
    meets: Tensor | None, rows: int, groups: int, grid: int, degree: int, lo: float, hi: float, outside: int,
    base_function: int, grad_free: bool,
) -> Tensor:  # fmt: skip
    """What ``edge_sum`` computes, written in PyTorch: for derivatives of any order.

    Shape:
        x ``(n, channels, pixels)``, coef ``(channels / groups, K, taps, outputs)``, base and scale ``(outputs, channels /
        groups, taps)``, or all without pixels and taps; source ``(padded,)`` and meets ``(taps, padded)`` as in
        ``native/geometry.h``; the result ``(n x rows, outputs)``
    """
    if x.dim() == 2:
        x, coef = x.unsqueeze(-1), coef.unsqueeze(2)
        base, scale = (None if t is None else t.unsqueeze(-1) for t in (base, scale))
    basis = BSpline(grid, degree, (lo, hi), OUTSIDE[outside], "uniform" if knots is None else "per-feature")
    edge = EdgeFunction(basis, BASE_FUNCTIONS[base_function], grad_free)
    taps = coef.shape[2]
    if source is None or meets is None:
        seen, there = x.new_zeros(1, 1, dtype=torch.long), x.new_ones(1, 1)
    else:
        x = torch.where(source < 0, 0, x[..., source.clamp(0)])
        met = meets >= 0
        seen = x.new_zeros(taps, rows, dtype=torch.long)
        there = x.new_zeros(taps, rows)
        tap, pixel = met.nonzero(as_tuple=True)
        seen[tap, meets[met].long()] = pixel
        there[tap, meets[met].long()] = 1
    patches = x[:, :, seen].permute(0, 2, 3, 1)  # (n, taps, rows, channels)
    values = edge.basis_values(patches, {} if knots is None else {"knots": knots}) * there[..., None, None]
    grouped = values.unflatten(3, (groups, -1))  # (n, t, r, g, i, k)
    weights = coef if scale is None else coef * scale.movedim(0, -1).unsqueeze(1)
    y = torch.einsum("ntrgik,iktgo->nrgo", grouped, weights.unflatten(-1, (groups, -1)))
    if base is not None:
        dense = (edge.base_values(patches) * there.unsqueeze(-1)).unflatten(3, (groups, -1))
        y = y + torch.einsum("ntrgi,goit->nrgo", dense, base.unflatten(0, (groups, -1)))
    return y.flatten(2).flatten(0, 1)
