"""The edge sum and its gradients as launches of Triton's kernels: grids, tiles, and sums in parts."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.ops.edge import EdgeFunction
from edgewise.ops.kan import triton_kernels as kernels
from edgewise.ops.triton.availability import interpreted
from edgewise.ops.triton.base_functions import BASE_FUNCTIONS
from edgewise.ops.triton.functions import BasisKernel, kernel_of, numbers_of
from edgewise.ops.triton.tiles import Tiles, functions_at_once, parts_for, tiles_for

TYPES = {torch.float16: tl.float16, torch.bfloat16: tl.bfloat16, torch.float32: tl.float32, torch.float64: tl.float64}


class Tile(NamedTuple):
    """What a kernel is told of its tiles when it is compiled: sizes, and what products are made and summed in."""

    rows: int
    columns: int
    depth: int
    sum: tl.dtype
    product: tl.dtype
    precision: str
    functions: int = 1  # of an input, beside each other in the columns of a gradient of inputs


@dataclass(frozen=True)
class EdgeSum:
    """Of rows ``x`` and weights in the layout of the layer; scales are multiplied into ``coef`` before."""

    x: Tensor  # shape: (rows, ins)
    coef: Tensor  # shape: (ins, functions, outs)
    base: Tensor | None  # shape: (outs, ins)
    knots: Tensor | None  # shape: (ins, knots)
    edge: EdgeFunction
    product: torch.dtype  # of the products, and of the result

    @cached_property
    def sums(self) -> torch.dtype:
        """In which products are summed, and the functions evaluated."""
        return torch.float64 if self.x.dtype == torch.float64 else torch.float32

    @cached_property
    def told(self) -> tuple[BasisKernel, BasisKernel | None, Tensor]:
        """The kernel of the basis, that of the base function, and the numbers that the first one reads."""
        made = kernel_of(self.edge.basis)
        if made is None:
            raise ConfigError(f"Triton has no kernel for {self.edge.basis}: use another backend, such as 'lean'")
        basis, numbers = made
        base = None if self.base is None else BasisKernel(1, BASE_FUNCTIONS[str(self.edge.base)])
        if self.knots is not None:
            return basis, base, self.knots
        return basis, base, numbers_of(self.edge.basis, numbers, self.sums, self.x.device)

    def forward(self) -> Tensor:
        """The sum over inputs and functions, ``(rows, outs)``."""
        (rows, ins), outs = self.x.shape, self.coef.shape[-1]
        basis, base, numbers = self.told
        tiles = self._tiles("forward", rows, outs)
        parts = parts_for(tiles, rows, outs, -(-ins // tiles.depth) * basis.num_functions, self.x.device)
        result = self._empty(parts, rows, outs, dtype=self.product)
        told = (self.x, self.coef, self.base, numbers, result, rows, ins, outs, parts, basis, base)
        self._launch(kernels.edge_sum, (rows, outs, parts), tiles, *told)
        return self._added(result, self.product)

    def input_gradient(self, grad: Tensor) -> Tensor:
        """Of x, given that of the result ``(rows, outs)``: that of the base branch first, the rest added to it."""
        (_, ins), outs = self.x.shape, self.coef.shape[-1]
        basis, base, numbers = self.told
        result = None
        if base is not None and self.base is not None:
            result = self._input_gradient(grad, base, numbers, self.base, (1, 0, ins), None)
        if not self.edge.grad_free:
            strides = (basis.num_functions * outs, outs, 1)
            result = self._input_gradient(grad, basis, numbers, self.coef, strides, result)
        return torch.zeros_like(self.x) if result is None else result.to(self.x.dtype)

    def _input_gradient(self, grad: Tensor, basis: BasisKernel, numbers: Tensor, weight: Tensor, strides, before) -> Tensor:
        (rows, ins), outs = self.x.shape, grad.shape[1]
        functions = functions_at_once(basis.num_functions)
        tiles = self._tiles("input", rows, ins * functions)
        parts = parts_for(tiles, rows, ins * functions, -(-outs // tiles.depth), self.x.device)
        result = self.x.new_empty(parts, rows, ins, dtype=self.sums)
        told = (self.x, grad, weight, numbers, before, result, rows, ins, outs, *strides, parts, basis)
        self._launch(kernels.input_gradient, (rows, ins * functions, parts), tiles, *told, functions=functions)
        return self._added(result, self.sums)

    def coef_gradient(self, grad: Tensor) -> Tensor:
        """Of the coefficients, ``(ins, functions, outs)``."""
        basis, _, numbers = self.told
        outs = self.coef.shape[-1]
        return self._weight_gradient(grad, basis, numbers, self.coef, (basis.num_functions * outs, outs, 1))

    def base_gradient(self, grad: Tensor) -> Tensor:
        """Of the weights of the base branch, ``(outs, ins)``."""
        _, base, numbers = self.told
        assert base is not None, "asked for by a layer with a base branch alone"
        assert self.base is not None
        return self._weight_gradient(grad, base, numbers, self.base, (1, 0, self.x.shape[1]))

    def _weight_gradient(self, grad: Tensor, basis: BasisKernel, numbers: Tensor, weight: Tensor, strides) -> Tensor:
        (rows, ins), outs = self.x.shape, grad.shape[1]
        tiles = self._tiles("weights", ins * basis.num_functions, outs)
        blocks = -(-ins // tiles.rows) * basis.num_functions
        parts = parts_for(tiles, blocks * tiles.rows, outs, -(-rows // tiles.depth), self.x.device)
        result = self._empty(parts, *weight.shape, dtype=weight.dtype)
        told = (self.x, grad, numbers, result, rows, ins, outs, *strides, weight.numel(), parts, basis)
        self._launch(kernels.weight_gradient, (blocks * tiles.rows, outs, parts), tiles, *told)
        return self._added(result, weight.dtype)

    def _tiles(self, kernel: str, rows: int, columns: int) -> Tiles:
        return tiles_for(kernel, rows, columns, self.product, self.x.device)

    def _empty(self, parts: int, *shape: int, dtype: torch.dtype) -> Tensor:
        return self.x.new_empty(parts, *shape, dtype=dtype if parts == 1 else self.sums)

    def _added(self, result: Tensor, dtype: torch.dtype) -> Tensor:
        return result.squeeze(0) if len(result) == 1 else result.sum(0).to(dtype)

    def _launch(self, kernel: Any, size: tuple[int, int, int], tiles: Tiles, *told: Any, functions: int = 1) -> None:
        rows, columns, parts = size
        product = self.product
        if product == torch.bfloat16 and interpreted():
            product = torch.float32  # the interpreter multiplies the bits of bfloat16 as if they were whole numbers
        precise = product == torch.float64 or torch.get_float32_matmul_precision() == "highest"
        precision = "ieee" if precise else "tf32"
        tile = Tile(tiles.rows, tiles.columns, tiles.depth, TYPES[self.sums], TYPES[product], precision, functions)
        grid = (triton.cdiv(rows, tiles.rows), triton.cdiv(columns, tiles.columns), parts)
        with torch.cuda.device_of(self.x):
            kernel[grid](*told, tile, num_warps=tiles.warps, num_stages=tiles.stages)
