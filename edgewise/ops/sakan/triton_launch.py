"""Sums of functions over channels and their gradients as launches of Triton's kernels."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from edgewise.bases.basis import State
from edgewise.ops.edge import EdgeFunction
from edgewise.ops.operation import Operation
from edgewise.ops.sakan import triton_kernels as kernels
from edgewise.ops.triton.availability import interpreted
from edgewise.ops.triton.functions import BasisKernel, kernel_of, numbers_of

ROWS, CHANNELS, WARPS = 64, 32, 4  # at once
SMALL = 16  # rows and channels in the interpreter
PARTS = 64  # of the rows, at most, whose gradients of the mix are summed apart


class Tile(NamedTuple):
    """Sizes of a program's blocks, and what it computes in."""

    rows: int
    channels: int
    taps: int
    sum: tl.dtype
    precision: str


@dataclass(frozen=True)
class MixedSums(Operation):
    """Of rows of channels, knots (or None) and the mix, all dense; to ``(groups, functions, taps, rows)``."""

    edge: EdgeFunction

    def plain(self, x, knots, mix):
        # shape: x (rows, groups x channels), knots (groups x channels, n), mix (groups, channels, taps)
        values = self.edge.basis_values(x, _state(knots)).unflatten(1, mix.shape[:2])
        return torch.einsum("rgck,gct->gktr", values, mix.to(values.dtype))

    def fast(self, x, knots, mix):
        groups, channels, taps = mix.shape
        basis, numbers, tile = self._told(x, knots, taps)
        mixed = x.new_empty(groups, basis.num_functions, taps, len(x))
        grid = (triton.cdiv(len(x), tile.rows) * basis.num_functions, groups)
        self._launch(kernels.mixed_sums, grid, x, mix, numbers, mixed, len(x), channels, taps, groups, basis, tile)
        return mixed, ()

    def gradients(self, gradient, operands, wants, kept):
        # shape: gradient (groups, functions, taps, rows)
        x, knots, mix = operands
        gradient = gradient.contiguous()
        groups, channels, taps = mix.shape
        basis, numbers, tile = self._told(x, knots, taps)
        sizes = (len(x), channels, taps, groups)
        dx, dmix, tiles = None, None, triton.cdiv(channels, tile.channels)
        if wants[0]:
            dx = torch.empty_like(x)
            grid = (triton.cdiv(len(x), tile.rows), tiles, groups)
            self._launch(kernels.input_gradient, grid, gradient, x, mix, numbers, dx, *sizes, basis, tile)
        if wants[2]:
            parts = min(PARTS, triton.cdiv(len(x), tile.rows))
            found = x.new_empty(parts, *mix.shape)
            grid = (tiles, groups, parts)
            self._launch(kernels.mix_gradient, grid, gradient, x, numbers, found, *sizes, parts, basis, tile)
            dmix = found.sum(0).to(mix.dtype)
        return dx, None, dmix

    def _told(self, x: Tensor, knots: Tensor | None, taps: int) -> tuple[BasisKernel, Tensor, Tile]:
        """The kernel of the basis, the numbers that it reads, and the tiles."""
        made: Any = kernel_of(self.edge.basis)  # there is one: see TritonSaKAN
        basis, numbers = made
        if knots is None:
            knots = numbers_of(self.edge.basis, numbers, x.dtype, x.device)
        rows, channels = (SMALL, SMALL) if interpreted() else (ROWS, CHANNELS)
        double = x.dtype == torch.float64
        precise = double or torch.get_float32_matmul_precision() == "highest"
        width = max(16, triton.next_power_of_2(taps))
        return (
            basis,
            knots,
            Tile(rows, channels, width, tl.float64 if double else tl.float32, "ieee" if precise else "tf32"),
        )

    def _launch(self, kernel: Any, grid: tuple[int, ...], *told: Any) -> None:
        with torch.cuda.device_of(told[0]):
            kernel[grid](*told, num_warps=WARPS)


def _state(knots: Tensor | None) -> State:
    return {} if knots is None else {"knots": knots}
