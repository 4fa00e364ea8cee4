"""Layers with shared functions on Triton's kernels: these sum the channels, and PyTorch does the rest.

What is left after the channels are K maps for each tap and group, to be shifted, added and multiplied by the coefficients.
The base branch is carried out by plan, and so are depthwise layers, where there is nothing to sum. Only the input and the
parameters are saved. Graphs are made of plain arithmetic.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from edgewise._ground.precision import autocast_dtype
from edgewise._ground.torch_private import watched
from edgewise.bases.basis import State
from edgewise.ops.contraction import Conv, Linear
from edgewise.ops.edge import EdgeFunction, in_full_precision
from edgewise.ops.kan.triton import has_kernel
from edgewise.ops.operation import Operation
from edgewise.ops.plan import Plan, Term, one_function
from edgewise.ops.sakan.lean import PlannedSaKAN, SharedConv, SharedLinear
from edgewise.ops.triton.availability import available
from edgewise.ops.window import Window

_DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
_MOST_TAPS = 128  # a tile has all of them


class TritonSaKAN(PlannedSaKAN):
    """The ops on Triton's kernels; what these do not cover is carried out by plan."""

    def shared_linear(self, x, edge: EdgeFunction, state: State, coef, mix, base_weight=None) -> Tensor:
        """As :func:`edgewise.ops.sakan.definition.linear`."""
        if not _covered(x, edge, state, coef, mix):
            return super().shared_linear(x, edge, state, coef, mix, base_weight)
        y = SharedFunctions(edge, None, autocast_dtype(x))(x, state.get("knots"), coef, mix)
        return y if base_weight is None else y + self._base(x, edge, base_weight, None)

    def shared_conv(self, x, edge: EdgeFunction, state: State, coef, mix, base_weight, window: Window) -> Tensor:
        """As :func:`edgewise.ops.sakan.definition.conv`."""
        depthwise = mix.shape[1] == 1 < mix.shape[0]
        if depthwise or mix[0, 0].numel() > _MOST_TAPS or not _covered(x, edge, state, coef, mix):
            return super().shared_conv(x, edge, state, coef, mix, base_weight, window)
        y = SharedFunctions(edge, window, autocast_dtype(x))(x, state.get("knots"), coef, mix)
        return y if base_weight is None else y + self._base(x, edge, base_weight, window)

    def _base(self, x: Tensor, edge: EdgeFunction, weight: Tensor, window: Window | None) -> Tensor:
        contraction = Linear() if window is None else Conv(window)
        term = Term(lambda z, _: edge.base_values(z).unsqueeze(-1), 1, contraction, 1)
        return self.execute(Plan.of(x, (term,), window), x, {}, (one_function(weight),))


@dataclass(frozen=True)
class SharedFunctions(Operation):
    """Of x, knots (or None), coefficients and mix."""

    edge: EdgeFunction
    window: Window | None  # None for rows of inputs
    dtype: torch.dtype | None  # of the last product; None: that of the weights

    def plain(self, x, knots, coef, mix):
        contraction = SharedLinear() if self.window is None else SharedConv(self.window)
        term = Term(self.edge.basis_values, self.edge.basis.num_functions, contraction, 2)
        return Plan((term,), self.window, self.dtype).run(x, {} if knots is None else {"knots": knots}, (coef, mix))

    def fast(self, x, knots, coef, mix):
        return self._sum(x, knots, coef, mix), ()

    def gradients(self, gradient, operands, wants, kept):
        """Through the steps after the channels by autograd, which sees them anew."""
        given: list[Any] = [t if t is None else t.detach().requires_grad_(w) for t, w in zip(operands, wants, strict=True)]
        with torch.enable_grad():
            y = self._sum(*given)
        inputs = [t for t, want in zip(given, wants, strict=True) if want]
        found = iter(torch.autograd.grad(y, inputs, gradient, materialize_grads=True))
        return [next(found) if want else None for want in wants]

    def _sum(self, x: Tensor, knots: Tensor | None, coef: Tensor, mix: Tensor) -> Tensor:
        # shape: x (N, C) or (N, C, *space), knots (C, n), coef (outputs, K), mix (C,) or (groups, C / groups, *kernel)
        from edgewise.ops.sakan.triton_launch import MixedSums

        x, window = in_full_precision(x.detach() if self.edge.grad_free else x), self.window
        mix = mix.view(1, -1, 1) if window is None else mix.flatten(2)
        z = x if window is None else window.arrange(x)
        mixed = MixedSums(self.edge)(z.flatten(0, -2).contiguous(), knots, mix.contiguous())
        sums = mixed.squeeze(2) if window is None else _over_taps(mixed.unflatten(3, z.shape[:-1]), window)
        coef = coef if self.dtype is None or coef.dtype != torch.float32 else coef.to(self.dtype)
        coef = coef.unflatten(0, (len(mix), -1))
        y = (coef @ sums.flatten(2).to(coef.dtype)).flatten(0, 1)  # (outputs, N x places)
        return y.unflatten(1, sums.shape[2:]).movedim(1, 0)


def _over_taps(mixed: Tensor, window: Window) -> Tensor:
    """Each tap's sums where they are met, added: ``(groups, K, taps, N, *space)`` to ``(groups, K, N, *out)``."""
    if window.padding_mode == "silent":
        mixed = window.pad(mixed)
    taps = enumerate(window.taps())
    seen = (window.view(mixed[:, :, index].flatten(0, 2), tap) for index, tap in taps)
    total = next(seen)
    for one in seen:
        total = total + one
    return total.unflatten(0, (*mixed.shape[:2], mixed.shape[3]))


def _covered(x: Tensor, edge: EdgeFunction, state: State, coef: Tensor, mix: Tensor) -> bool:
    """Whether the kernels can work on these tensors."""
    return (
        not watched()
        and x.dtype in _DTYPES
        and x.numel() > 0
        and (x.dtype == torch.float64) == (coef.dtype == torch.float64)
        and all(t.dtype == coef.dtype and t.device == x.device for t in (coef, mix, *state.values()))
        and not any(t.requires_grad for t in state.values())
        and available(x.device)
        and has_kernel(edge)
    )
