"""Layers with shared functions, put together from compiled passes.

Depthwise layers are one pass. In all others the channels are summed first, and the dense base branch is PyTorch's own
convolution.

As on the lean backend only the input and the parameters are saved; the backward pass computes the sums of functions anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from edgewise.bases.basis import State
from edgewise.ops.contraction import CONVOLUTIONS
from edgewise.ops.edge import EdgeFunction
from edgewise.ops.native.functions import covered, is_spline, spline_settings
from edgewise.ops.native.tables import Tables, tables_of
from edgewise.ops.operation import Operation
from edgewise.ops.sakan.lean import PlannedSaKAN
from edgewise.ops.window import Window

# The gradient through each base function, given that of its values.
_BACK: Mapping[Any, Callable[[Tensor, Tensor], Tensor]] = {
    "silu": torch.ops.aten.silu_backward,
    "gelu": torch.ops.aten.gelu_backward,
    "relu": lambda gradient, x: torch.ops.aten.threshold_backward(gradient, x, 0),
    "tanh": lambda gradient, x: torch.ops.aten.tanh_backward(gradient, x.tanh()),
    "identity": lambda gradient, x: gradient,
}


class NativeSaKAN(PlannedSaKAN):
    """The ops on the compiled passes; what these do not cover is carried out by plan."""

    def shared_linear(self, x, edge: EdgeFunction, state: State, coef, mix, base_weight=None) -> Tensor:
        """As :func:`edgewise.ops.sakan.definition.linear`."""
        if not (is_spline(edge.basis) and covered(x, edge, state, coef, mix, base_weight)):
            return super().shared_linear(x, edge, state, coef, mix, base_weight)
        return SharedSum(edge, None)(x, state.get("knots"), coef, mix, base_weight)

    def shared_conv(self, x, edge: EdgeFunction, state: State, coef, mix, base_weight, window: Window) -> Tensor:
        """As :func:`edgewise.ops.sakan.definition.conv`."""
        zeros = window.padding_mode in ("zeros", "silent") and all(before == after for before, after in window.padding)
        if not (zeros and is_spline(edge.basis) and covered(x, edge, state, coef, mix, base_weight)):
            return super().shared_conv(x, edge, state, coef, mix, base_weight, window)
        return SharedSum(edge, window)(x, state.get("knots"), coef, mix, base_weight)


@dataclass(frozen=True)
class SharedSum(Operation):
    """Of x, knots, coefficients, mix and base weights; knots and base weights may be None."""

    edge: EdgeFunction
    window: Window | None  # None for rows of inputs

    def plain(self, x, knots, coef, mix, base_weight):
        # shape: as in the definition; knots (C, knots)
        state, sums = {} if knots is None else {"knots": knots}, PlannedSaKAN()
        if self.window is None:
            return sums.shared_linear(x, self.edge, state, coef, mix, base_weight)
        return sums.shared_conv(x, self.edge, state, coef, mix, base_weight, self.window)

    def fast(self, x, knots, coef, mix, base_weight):
        if self.is_depthwise(coef, mix):
            return self._depthwise(x, knots, coef, mix, base_weight)[0], ()
        y = _zeros(self, x, coef) if base_weight is None else _base(self, x, base_weight)
        return ChannelsFirst(self, x, knots, coef, mix).add_to(y.contiguous()), ()

    def gradients(self, gradient, operands, wants, kept):
        x, knots, coef, mix, base_weight = operands
        through_functions = wants[0] and not self.edge.grad_free
        if self.is_depthwise(coef, mix):
            wanted = (wants[0], through_functions)
            dx, dcoef, dmix, dbase = self._depthwise(*operands, gradient=gradient.flatten(2), wants=wanted)
            dx, dbase = dx.view_as(x) if wants[0] else None, None if base_weight is None else dbase.view_as(base_weight)
            return dx, None, dcoef, dmix.view_as(mix), dbase
        gradient = gradient.contiguous()
        dx, dcoef, dmix = ChannelsFirst(self, x, knots, coef, mix).gradients(gradient, through_functions)
        through_base, dbase = None, None
        if base_weight is not None:
            through_base, dbase = _base_gradients(self, x, base_weight, gradient, wants[0])
        if not through_functions:
            dx = torch.zeros_like(x) if base_weight is None and wants[0] else through_base
        elif through_base is not None:
            dx = dx + through_base
        return dx, None, dcoef, dmix.view_as(mix), dbase

    def is_depthwise(self, coef: Tensor, mix: Tensor) -> bool:
        """Whether each channel is a group of its own, with one output."""
        return self.window is not None and mix.shape[1] == 1 and len(coef) == mix.shape[0] > 1

    def _depthwise(self, x, knots, coef, mix, base, gradient=None, wants=()) -> tuple[Tensor, ...]:
        """The output, or given that of the output all gradients, by the operator ``sakan_depthwise``."""
        # shape: x (N, C, *space), coef (C, K), mix and base (C, 1, *kernel), gradient (N, C, rows)
        size = tuple(x.shape[2:])
        window: Any = self.window  # there is one: see is_depthwise
        *own, base_function, _ = spline_settings(self.edge, base is not None)
        weights = mix.flatten(1), None if base is None else base.flatten(1), base_function
        given = (x.flatten(2), coef, knots, *tables_of(window, size), *own, *weights)
        if gradient is None:
            return (torch.ops.edgewise.sakan_depthwise(*given).unflatten(2, window.output_size(size)),)
        return torch.ops.edgewise.sakan_depthwise_backward(gradient, *given, *wants)


class ChannelsFirst:
    """``y_o = sum_k c_ok S_k`` beside the base branch, with S by the operator ``sakan_mixed``."""

    def __init__(self, op: SharedSum, x: Tensor, knots: Tensor | None, coef: Tensor, mix: Tensor):
        # shape: x (N, C) or (N, C, *space), knots (C, knots), coef (outputs, K), mix (C,) or (groups, C / groups, *kernel)
        self.shape = x.shape
        if op.window is None:
            x, mix = x.t().contiguous().unsqueeze(0), mix.view(1, -1, 1)  # one image, a pixel for each row
            tables = Tables(None, None, x.shape[2])
        else:
            x, mix, tables = x.contiguous().flatten(2), mix.flatten(2), tables_of(op.window, tuple(x.shape[2:]))
        self.given = (x, mix, knots, *tables, *spline_settings(op.edge, has_base=False)[:5])
        self.coef = coef.unflatten(0, (len(mix), -1))  # (groups, outputs of a group, K)
        self.rows = op.window is None

    def add_to(self, y: Tensor) -> Tensor:
        """Add to the dense ``y`` in place."""
        # shape: y (N, outputs) or (N, outputs, *out)
        sums = torch.ops.edgewise.sakan_mixed(*self.given)  # (images, groups, K, rows)
        if self.rows:
            return y.addmm_(sums[0, 0].t(), self.coef[0].t())
        for group, (own, coef) in enumerate(zip(y.flatten(2).chunk(len(self.coef), 1), self.coef, strict=True)):
            own.baddbmm_(coef.expand(len(y), -1, -1), sums[:, group])
        return y

    def gradients(self, gradient: Tensor, wants_input: bool) -> tuple[Tensor, Tensor, Tensor]:
        """Of x (empty unless wanted), coef and mix."""
        # shape: gradient like y in add_to
        if self.rows:
            gradient = gradient.t().unsqueeze(0)
        by_group = gradient.flatten(2).unflatten(1, (len(self.coef), -1))  # (images, groups, outputs, rows)
        dx, dmix, sums = torch.ops.edgewise.sakan_mixed_backward(self.coef.mT @ by_group, *self.given, wants_input)
        dcoef = (by_group @ sums.mT).sum(0).flatten(0, 1)
        if wants_input:
            dx = dx[0].t() if self.rows else dx.reshape(self.shape)
        return dx, dcoef, dmix


def _base(op: SharedSum, x: Tensor, base: Tensor) -> Tensor:
    # shape: x (N, C) or (N, C, *space), base (outputs, C) or (outputs, C / groups, *kernel)
    values, w = op.edge.base_values(x), op.window
    if w is None:
        return F.linear(values, base)
    return CONVOLUTIONS[len(w.kernel_size)](values, base, None, w.stride, _sides(w), w.dilation, w.groups)


def _base_gradients(op: SharedSum, x: Tensor, base: Tensor, gradient: Tensor, wants_input: bool):
    """Of x (None unless wanted) and the base weights."""
    # shape: x and base as in _base, gradient (N, outputs) or (N, outputs, *out)
    values, w = op.edge.base_values(x), op.window
    if w is None:
        dvalues, dbase = (gradient @ base if wants_input else None), gradient.t() @ values
    else:
        none = [0] * len(w.kernel_size)
        dvalues, dbase, _ = torch.ops.aten.convolution_backward(
            gradient, values, base, None, w.stride, _sides(w), w.dilation, False, none, w.groups, [wants_input, True, False]
        )
    return (None if dvalues is None else _BACK[op.edge.base](dvalues, x)), dbase


def _zeros(op: SharedSum, x: Tensor, coef: Tensor) -> Tensor:
    # shape: x (N, C) or (N, C, *space), coef (outputs, K) to (N, outputs) or (N, outputs, *out)
    size = () if op.window is None else op.window.output_size(tuple(x.shape[2:]))
    return x.new_zeros(len(x), len(coef), *size)


def _sides(window: Window) -> tuple[int, ...]:
    return tuple(before for before, _ in window.padding)
