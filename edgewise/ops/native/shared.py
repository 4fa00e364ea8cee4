"""Layers with shared functions, put together from compiled passes: the dense base branch is PyTorch's own convolution.

As on the lean backend only the input and the parameters are saved; the backward pass computes the sums of functions anew.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from edgewise.ops.contraction import CONVOLUTIONS
from edgewise.ops.edge import EdgeFunction
from edgewise.ops.native.operators import settings
from edgewise.ops.native.tables import Tables, tables_of
from edgewise.ops.plan import Planned
from edgewise.ops.window import Window

_PLAIN = Planned()
_BACK = {  # the gradient through each base function, given that of its values
    "silu": torch.ops.aten.silu_backward,
    "gelu": torch.ops.aten.gelu_backward,
    "relu": lambda gradient, x: torch.ops.aten.threshold_backward(gradient, x, 0),
    "tanh": lambda gradient, x: torch.ops.aten.tanh_backward(gradient, x.tanh()),
    "identity": lambda gradient, x: gradient,
}


@dataclass(frozen=True)
class SharedSum:
    """One op call: the functions, and the window of a convolution or None for rows of inputs."""

    edge: EdgeFunction
    window: Window | None

    def plain(self, x: Tensor, knots: Tensor | None, coef: Tensor, mix: Tensor, base: Tensor | None) -> Tensor:
        """The same sum, for gradients of gradients."""
        state = {} if knots is None else {"knots": knots}
        if self.window is None:
            return _PLAIN.shared_linear(x, self.edge, state, coef, mix, base)
        return _PLAIN.shared_conv(x, self.edge, state, coef, mix, base, self.window)

    def functions(self, x: Tensor, knots: Tensor | None, coef: Tensor, mix: Tensor) -> "_Mixed | _Applied":
        """How the functions of ``x`` are summed: channels first, or, with a channel a group, functions first."""
        if self.window is not None and mix.shape[1] == 1 and len(coef) == mix.shape[0] > 1:
            return _Applied(self, x, knots, coef, mix)
        return _Mixed(self, x, knots, coef, mix)

    @property
    def own(self) -> tuple:
        """What the operators are told of the functions."""
        return settings(self.edge, has_base=False)[:5]


class _Mixed:
    """``y_o = sum_k c_ok S_k``, with S by the operator ``mixed``."""

    layout = torch.contiguous_format  # of outputs and their gradients

    def __init__(self, op: SharedSum, x: Tensor, knots: Tensor | None, coef: Tensor, mix: Tensor):
        self.shape = x.shape
        if op.window is None:
            x, mix = x.t().contiguous().unsqueeze(0), mix.view(1, -1, 1)  # one image, a pixel for each row
            tables = Tables(None, None, x.shape[2])
        else:
            x, mix, tables = x.contiguous().flatten(2), mix.flatten(2), tables_of(op.window, tuple(x.shape[2:]))
        self.given = (x, mix, knots, *tables, *op.own)
        self.coef = coef.unflatten(0, (len(mix), -1))  # (groups, outputs of a group, K)
        self.rows = op.window is None

    def add_to(self, y: Tensor) -> Tensor:
        sums = torch.ops.edgewise.mixed(*self.given)  # (images, groups, K, rows)
        if self.rows:
            return y.addmm_(sums[0, 0].t(), self.coef[0].t())
        for group, (own, coef) in enumerate(zip(y.flatten(2).chunk(len(self.coef), 1), self.coef, strict=True)):
            own.baddbmm_(coef.expand(len(y), -1, -1), sums[:, group])
        return y

    def gradients(self, gradient: Tensor, wants_input: bool) -> tuple[Tensor, Tensor, Tensor]:
        """Of x (empty unless wanted), coef and mix."""
        if self.rows:
            gradient = gradient.t().unsqueeze(0)
        by_group = gradient.flatten(2).unflatten(1, (len(self.coef), -1))  # (images, groups, outputs, rows)
        dx, dmix, sums = torch.ops.edgewise.mixed_backward(self.coef.mT @ by_group, *self.given, wants_input)
        dcoef = (by_group @ sums.mT).sum(0).flatten(0, 1)
        if wants_input:
            dx = dx[0].t() if self.rows else dx.reshape(self.shape)
        return dx, dcoef, dmix


class _Applied:
    """Depthwise: each channel's function by the operator ``applied``, then a convolution of one channel a group."""

    def __init__(self, op: SharedSum, x: Tensor, knots: Tensor | None, coef: Tensor, mix: Tensor):
        self.window, self.mix = op.window, mix
        last = x.dim() == 4 and x.stride(1) == 1 < x.shape[1]  # faster, and kept where it is found
        self.layout = torch.channels_last if last else torch.contiguous_format
        silent = op.window.padding_mode == "silent"
        self.padding = tuple(before for before, _ in op.window.padding)
        self.padded = x if silent else op.window.pad(x)
        pixels = math.prod(self.padded.shape[2:])
        self.given = (self.padded.flatten(2), coef, knots, None, None, pixels, *op.own)
        self.values = torch.ops.edgewise.applied(*self.given).unflatten(2, self.padded.shape[2:])
        self.around = self.padding if silent else (0,) * len(self.padding)

    def add_to(self, y: Tensor) -> Tensor:
        w = self.window
        convolve = CONVOLUTIONS[len(w.kernel_size)]
        return y.add_(convolve(self.values, self.mix, None, w.stride, self.around, w.dilation, w.groups))

    def gradients(self, gradient: Tensor, wants_input: bool) -> tuple[Tensor, Tensor, Tensor]:
        w = self.window
        dvalues, dmix = convolution_gradients(gradient, self.values, self.mix, w, self.around, True)
        dx, dcoef = torch.ops.edgewise.applied_backward(dvalues.flatten(2), *self.given, wants_input)
        if not wants_input:
            return dx, dcoef, dmix
        dx = dx.unflatten(2, self.padded.shape[2:])
        if self.around != self.padding:
            for dim, p in enumerate(self.padding, 2):
                dx = dx.narrow(dim, p, dx.shape[dim] - 2 * p)
        return dx, dcoef, dmix


def convolution_gradients(gradient, x, weight, window: Window, padding, wants_input: bool) -> tuple[Tensor | None, Tensor]:
    """Of the input (None unless wanted) and the weight of a convolution."""
    none = [0] * len(padding)
    dx, dweight, _ = torch.ops.aten.convolution_backward(
        gradient, x, weight, None, window.stride, padding, window.dilation, False, none, window.groups,
        [wants_input, True, False],
    )  # fmt: skip
    return dx, dweight


class _Shared(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx, op: SharedSum, x: Tensor, knots: Tensor | None, coef: Tensor, mix: Tensor, base: Tensor | None
    ) -> Tensor:
        ctx.op = op
        ctx.save_for_backward(x, knots, coef, mix, base)
        return _compute(op, x, knots, coef, mix, base)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        op, (x, knots, coef, mix, base) = ctx.op, ctx.saved_tensors
        wants = ctx.needs_input_grad
        if torch.is_grad_enabled():  # a gradient of this gradient is wanted
            inputs = [t for t, want in zip((x, coef, mix, base), (wants[1], *wants[3:]), strict=True) if want]
            y = op.plain(x, knots, coef, mix, base)
            found = iter(torch.autograd.grad(y, inputs, gradient, create_graph=True, materialize_grads=True))
            dx, dcoef, dmix, dbase = (next(found) if want else None for want in (wants[1], *wants[3:]))
            return None, dx, None, dcoef, dmix, dbase
        functions = op.functions(x, knots, coef, mix)
        gradient = gradient.contiguous(memory_format=functions.layout)
        through_functions = wants[1] and not op.edge.grad_free
        dx, dcoef, dmix = functions.gradients(gradient, through_functions)
        dx = dx if through_functions else None
        dbase = None
        if base is not None:
            through_base, dbase = _base_gradients(op, x, base, gradient, wants[1])
            dx = through_base if dx is None else dx + through_base
        elif wants[1] and dx is None:
            dx = torch.zeros_like(x)
        return None, dx, None, dcoef, dmix.view_as(mix), dbase


def _compute(op: SharedSum, x: Tensor, knots: Tensor | None, coef: Tensor, mix: Tensor, base: Tensor | None) -> Tensor:
    w = op.window
    if base is not None:
        values = op.edge.base_values(x)
        if w is None:
            y = F.linear(values, base)
        else:
            y = CONVOLUTIONS[len(w.kernel_size)](values, base, None, w.stride, _sides(w), w.dilation, w.groups)
    elif w is None:
        y = x.new_zeros(len(x), len(coef))
    else:
        y = x.new_zeros(len(x), len(coef), *w.output_size(tuple(x.shape[2:])))
    functions = op.functions(x, knots, coef, mix)
    return functions.add_to(y.contiguous(memory_format=functions.layout))


def _base_gradients(op: SharedSum, x: Tensor, base: Tensor, gradient: Tensor, wants_input: bool):
    w = op.window
    values = op.edge.base_values(x)
    if w is None:
        dvalues, dbase = (gradient @ base if wants_input else None), gradient.t() @ values
    else:
        dvalues, dbase = convolution_gradients(gradient, values, base, w, _sides(w), wants_input)
    return (_BACK[op.edge.base](dvalues, x) if wants_input else None), dbase


def _sides(window: Window) -> tuple[int, ...]:
    return tuple(before for before, _ in window.padding)


def shared_sum(op: SharedSum, x: Tensor, knots: Tensor | None, coef: Tensor, mix: Tensor, base: Tensor | None) -> Tensor:
    """Carry out a sum over edges with shared functions."""
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (x, coef, mix, base)):
        return _Shared.apply(op, x, knots, coef, mix, base)
    return _compute(op, x, knots, coef, mix, base)
