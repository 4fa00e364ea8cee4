"""The sums over functions of scores and their gradients as launches of Triton's kernels."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from edgewise.bases.basis import Basis
from edgewise.bases.chebyshev import Chebyshev
from edgewise.bases.fourier import Fourier
from edgewise.ops.attention import triton_kernels as kernels
from edgewise.ops.edge import EdgeFunction
from edgewise.ops.triton.availability import interpreted
from edgewise.ops.triton.base_functions import BASE_FUNCTIONS
from edgewise.ops.triton.functions import BasisKernel, numbers_of

ROWS, KEYS, WARPS = 64, 32, 4  # of scores at once
SMALL = 16  # for the interpreter


class Tile(NamedTuple):
    """Sizes of a program's blocks, and what it computes in."""

    rows: int
    keys: int
    width: int
    rank: int
    sum: tl.dtype
    precision: str


@dataclass(frozen=True)
class FunctionsSum:
    """Of queries and keys of all heads, and the weights of all functions, the base branch last."""

    q: Tensor  # shape: (images, heads, rows, width)
    k: Tensor  # shape: (images, heads, keys, width)
    weights: Tensor  # shape: (heads, keys, functions, rank)
    edge: EdgeFunction
    scale: float

    def forward(self) -> Tensor:
        """The sums, ``(images, heads, rows, rank)``."""
        rank = self.weights.shape[3]
        hidden = self.q.new_empty(*self.q.shape[:3], rank, dtype=self.dtype)
        given = (self.q, self.k, self.weights, self.numbers, hidden, self.scale, *self.sizes)
        self._launch(kernels.functions_sum, self.q.shape[2], self.tile.rows, *given, *_steps(self.q), *_steps(self.k))
        return hidden

    def gradients(self, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of queries, keys and weights, given that of the sums."""
        q, k = self.q, self.k
        dq, dk = (torch.empty_like(t.transpose(1, 2)).transpose(1, 2) for t in (q, k))
        dweights = self.weights.new_empty(len(q), *self.weights.shape, dtype=self.dtype)
        given, steps = (gradient.contiguous(), q, k, self.weights, self.numbers), (*_steps(q), *_steps(k))
        told = (*given, dq, self.scale, *self.sizes, *steps, *_steps(dq))
        self._launch(kernels.queries_gradient, q.shape[2], self.tile.rows, *told)
        told = (*given, dk, dweights, self.scale, *self.sizes, *steps, *_steps(dk))
        self._launch(kernels.keys_gradient, k.shape[2], self.tile.keys, *told)
        return dq, dk, dweights.sum(0)

    @property
    def dtype(self) -> torch.dtype:
        """In which scores and functions are computed."""
        return torch.promote_types(self.q.dtype, torch.float32)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Heads, rows, keys, the width of a head, and the rank."""
        heads, rows, width = self.q.shape[1:]
        return heads, rows, self.k.shape[2], width, self.weights.shape[3]

    @cached_property
    def basis(self) -> tuple[BasisKernel, tuple[float, ...]]:
        """The kernel of the basis, and what it reads beside the domain."""
        basis = self.edge.basis
        lo, hi = basis.domain
        function, settings, width = _FUNCTIONS[type(basis)](basis)
        outside = "natural" if basis.outside == basis.natural else basis.outside
        return BasisKernel(basis.num_functions, function, settings, outside), ((lo + hi) / 2, width / (hi - lo))

    @property
    def numbers(self) -> Tensor:
        """What the kernel of the basis reads."""
        return numbers_of(self.edge.basis, self.basis[1], self.dtype, self.q.device)

    @cached_property
    def tile(self) -> Tile:
        """Sizes, and what products are computed in; half precision has no digits that TF32 would lose."""
        *_, width, rank = self.sizes
        rows, keys = (SMALL, SMALL) if interpreted() else (ROWS, KEYS)
        highest = torch.get_float32_matmul_precision() == "highest"
        precise = self.q.dtype == torch.float64 or (self.q.dtype == torch.float32 and highest)
        sums = tl.float64 if self.dtype == torch.float64 else tl.float32
        return Tile(rows, keys, _padded(width), _padded(rank), sums, "ieee" if precise else "tf32")

    def _launch(self, kernel: Any, length: int, some: int, *told: Any) -> None:
        """With a program for ``some`` of the rows or keys of one head of one image."""
        base = None if self.edge.base is None else BasisKernel(1, BASE_FUNCTIONS[str(self.edge.base)])
        grid = (triton.cdiv(length, some) * self.q.shape[0] * self.q.shape[1],)
        with torch.cuda.device_of(self.q):
            kernel[grid](*told, self.basis[0], base, self.weights.shape[2], self.tile, num_warps=WARPS)


def _steps(t: Tensor) -> tuple[int, ...]:
    return t.stride()[:3]


def _padded(size: int) -> int:
    """What a product of tiles can work on."""
    return max(16, triton.next_power_of_2(size))


_FUNCTIONS: dict[type[Basis], Any] = {
    Chebyshev: lambda basis: (kernels.chebyshev, (), 2),
    Fourier: lambda basis: (kernels.fourier, (basis.num_frequencies,), 1),
}
