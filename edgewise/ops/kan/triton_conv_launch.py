"""The edge sum of convolutions and its gradients as launches of Triton's kernels."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import triton
from torch import Tensor

from edgewise.ops.edge import EdgeFunction
from edgewise.ops.kan import triton_conv_kernels as kernels
from edgewise.ops.kan.triton_launch import TYPES, Tile
from edgewise.ops.triton.availability import interpreted
from edgewise.ops.triton.functions import BasisKernel, kernel_of, numbers_of
from edgewise.ops.triton.tiles import SMALL, Tiles

TILES = {  # the largest that spill no register on compute capability 9.0: addresses take many
    "conv_sum": Tiles(64, 64, 32, 4, 3),
    "input_gradient": Tiles(32, 32, 32, 4, 3),
    "weight_gradient": Tiles(64, 64, 32, 4, 3),
}


@dataclass(frozen=True)
class ConvLaunches:
    """Of padded images with channels last, and weights into which scales are multiplied."""

    x: Tensor  # shape: (images, pixels, groups x channels)
    coef: Tensor  # shape: (channels, functions, taps, groups x outs)
    knots: Tensor | None  # shape: (groups x channels, knots)
    edge: EdgeFunction
    groups: int
    product: torch.dtype  # of the products, and of the result
    seen: Tensor  # shape: (taps, places)
    meets: Tensor  # shape: (taps, pixels)

    @cached_property
    def told(self) -> tuple[BasisKernel, Tensor]:
        """The kernel of the basis, and the numbers that it reads."""
        made: Any = kernel_of(self.edge.basis)  # there is one: see TritonKAN
        basis, numbers = made
        return basis, numbers_of(
            self.edge.basis, numbers, self.x.dtype, self.x.device
        ) if self.knots is None else self.knots

    @property
    def sizes(self) -> tuple[int, ...]:
        """Places, pixels, channels of a group, taps, outputs of a group, and groups."""
        taps, places = self.seen.shape
        return places, self.x.shape[1], self.coef.shape[0], taps, self.coef.shape[3] // self.groups, self.groups

    def forward(self) -> Tensor:
        """The sums, ``(images x places, outputs)``."""
        basis, numbers = self.told
        places, *_, outs, _ = self.sizes
        rows = len(self.x) * places
        y = self.x.new_empty(rows, self.coef.shape[3], dtype=self.product)
        told = (self.x, self.seen, self.coef, numbers, y, rows, *self.sizes, basis)
        self._launch(kernels.conv_sum, (rows, outs), 1, *told)
        return y

    def input_gradient(self, grad: Tensor) -> Tensor:
        """Of the padded images, given that of the sums."""
        basis, numbers = self.told
        _, pixels, channels, *_ = self.sizes
        rows, dx = len(self.x) * pixels, torch.empty_like(self.x)
        told = (self.x, grad, self.meets, self.coef, numbers, dx, rows, *self.sizes, basis)
        self._launch(kernels.input_gradient, (rows, channels), 1, *told)
        return dx

    def weight_gradient(self, grad: Tensor) -> Tensor:
        """Of the coefficients."""
        basis, numbers = self.told
        places, _, channels, taps, outs, _ = self.sizes
        found = torch.empty_like(self.coef, dtype=self.x.dtype)
        told = (self.x, grad, self.seen, numbers, found, len(self.x) * places, *self.sizes, basis)
        self._launch(kernels.weight_gradient, (channels, outs), taps * basis.num_functions, *told)
        return found

    def _launch(self, kernel: Any, size: tuple[int, int], each: int, *told: Any) -> None:
        """With a program for each tile of a result of that size, ``each`` times, for each group."""
        tiles = SMALL if interpreted() else TILES[kernel.__name__]
        product = torch.float32 if self.product == torch.bfloat16 and interpreted() else self.product
        precise = product == torch.float64 or torch.get_float32_matmul_precision() == "highest"
        sizes = tiles.rows, tiles.columns, tiles.depth
        tile = Tile(*sizes, TYPES[self.x.dtype], TYPES[product], "ieee" if precise else "tf32")
        grid = (triton.cdiv(size[0], tiles.rows) * each, triton.cdiv(size[1], tiles.columns), self.groups)
        with torch.cuda.device_of(self.x):
            kernel[grid](*told, tile, num_warps=tiles.warps, num_stages=tiles.stages)
