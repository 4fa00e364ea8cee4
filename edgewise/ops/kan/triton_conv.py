"""KAN convolutions on Triton's kernels; the base branch is carried out by plan. Only the input and parameters are saved."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from edgewise.ops.contraction import Conv
from edgewise.ops.edge import EdgeFunction, in_full_precision
from edgewise.ops.native.tables import tables_of
from edgewise.ops.operation import Operation
from edgewise.ops.plan import Plan, Term
from edgewise.ops.window import Window


@dataclass(frozen=True)
class ConvSum(Operation):
    """Of x, knots (or None), coefficients and scale (or None); without a base branch."""

    edge: EdgeFunction
    window: Window
    dtype: torch.dtype | None  # of the products, as autocast says; None: that of the weights

    def plain(self, x, knots, coef, scale):
        # shape: x (N, C, *space), coef (C / groups, K, *kernel, outputs), scale (outputs, C / groups, *kernel)
        term = Term(self.edge.basis_values, self.edge.basis.num_functions, Conv(self.window), 2)
        return Plan((term,), self.window, self.dtype).run(x, {} if knots is None else {"knots": knots}, (coef, scale))

    def fast(self, x, knots, coef, scale):
        size = self.window.output_size(tuple(x.shape[2:]))
        rows = self._launches(self._arranged(x), knots, _scaled(coef, scale), tuple(x.shape[2:])).forward()
        return rows.unflatten(0, (len(x), *size)).movedim(-1, 1), ()

    def gradients(self, gradient, operands, wants, kept):
        x, knots, coef, scale = operands
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            arranged = self._arranged(x)
        launches = self._launches(arranged.detach(), knots, _scaled(coef, scale), tuple(x.shape[2:]))
        rows = gradient.movedim(1, -1).flatten(0, -2).contiguous()
        dx, dcoef, dscale = None, None, None
        if wants[0]:
            dx = torch.zeros_like(x)
            if not self.edge.grad_free:
                (dx,) = torch.autograd.grad(arranged, x, launches.input_gradient(rows).view_as(arranged))
        if wants[2] or wants[3]:
            dcoef = launches.weight_gradient(rows).view(coef.shape)
            if scale is not None:
                dscale = (dcoef * coef).sum(1).movedim(-1, 0).to(scale.dtype)
            dcoef = _scaled(dcoef, scale).to(coef.dtype)
        return dx, None, dcoef, dscale

    def _arranged(self, x: Tensor) -> Tensor:
        """Padded, channels last; that padding is silent is in the tables."""
        return self.window.pad(in_full_precision(x)).movedim(1, -1).contiguous()

    def _launches(self, arranged: Tensor, knots: Tensor | None, coef: Tensor, size: tuple[int, ...]) -> Any:
        from edgewise.ops.kan.triton_conv_launch import ConvLaunches

        product = self.dtype if self.dtype is not None and coef.dtype == torch.float32 else coef.dtype
        flat = coef.contiguous().flatten(2, -2)
        tables = index_tables(self.window, size, arranged.device)
        return ConvLaunches(arranged.flatten(1, -2), flat, knots, self.edge, self.window.groups, product, *tables)


def _scaled(coef: Tensor, scale: Tensor | None) -> Tensor:
    return coef if scale is None else coef * scale.movedim(0, -1).unsqueeze(1)


@lru_cache(maxsize=256)
def index_tables(window: Window, size: tuple[int, ...], device: torch.device) -> tuple[Tensor, Tensor]:
    """Which pixel each place sees ``(taps, places)``, and which place each pixel meets ``(taps, pixels)``; -1: none."""
    _, meets, places = tables_of(window, size)
    assert meets is not None, "tables of a window have them"
    tap, pixel = (meets >= 0).nonzero(as_tuple=True)
    seen = torch.full((len(meets), places), -1, dtype=torch.int32)
    seen[tap, meets[tap, pixel].long()] = pixel.int()
    return seen.to(device), meets.contiguous().to(device)
