r"""Attention carried out tile by tile.

A row of scores needs no other row, so nothing is saved for the backward but q, k, v and the parameters: both passes walk
over tiles (some images, one head, some rows) and forget the scores of one before the next.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from edgewise.ops.attention.definition import Attention, Weights
from edgewise.ops.backend import chosen_backend, use_backend
from edgewise.ops.chunks import chunk_bytes
from edgewise.ops.edge import in_full_precision
from edgewise.ops.operation import Operation


def attend(attention: Attention, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, weights: Weights) -> Tensor:
    """Attention of all heads, ``(b, heads, n, d)``."""
    return TiledAttention(attention, tuple(weights))(mask, q, k, v, *weights.values()).transpose(1, 2)


@dataclass(frozen=True)
class TiledAttention(Operation):
    """Of the mask (or None), q, k, v and the weights; to ``(b, n, heads, d)``."""

    attention: Attention
    names: tuple[str, ...]  # of the weights
    backend: str = field(default_factory=chosen_backend)  # of the sums in each tile, in both passes

    def plain(self, mask, q, k, v, *weights):
        return self.attention.plain(q, k, v, mask, self._named(weights)).transpose(1, 2)

    def fast(self, mask, q, k, v, *weights):
        return _forward(self.attention, mask, q, k, v, self._named(weights)), ()

    def gradients(self, gradient, operands, wants, kept):
        mask, *tensors = operands
        with use_backend(self.backend):
            found = iter(_backward(self.attention, mask, tensors, self.names, wants[1:], gradient.transpose(1, 2)))
        return [next(found) if want else None for want in wants]

    def _named(self, weights: tuple[Tensor, ...]) -> dict[str, Tensor]:
        return dict(zip(self.names, weights, strict=True))


def _tiles(q: Tensor, keys: int) -> Iterator[tuple[int, slice, slice]]:
    """Heads, images and rows, with no more scores at once than the cache holds."""
    row = max(1, keys * max(4, q.element_size()))
    room = max(1, chunk_bytes(q.device) // row)
    images, heads, rows = q.shape[:3]
    some, step = (max(1, room // max(1, rows)), rows) if room >= rows else (1, room)
    for head in range(heads):
        for image in range(0, images, some):
            for first in range(0, rows, max(1, step)):
                yield head, slice(image, image + some), slice(first, first + step)


def _forward(attention: Attention, mask, q, k, v, weights: Weights) -> Tensor:
    """``(b, n, heads, d)``: heads beside heads, as the next layer takes them."""
    # shape: mask (b, n, N) or None, q (b, heads, n, d), k and v (b, heads, N, d), weights (heads, ...)
    y = v.new_empty(q.shape[0], q.shape[2], q.shape[1], v.shape[3])
    for head, images, rows in _tiles(q, k.shape[2]):
        own = {name: in_full_precision(t[head]) for name, t in weights.items()}
        some, keys, values = (in_full_precision(t[images, head]) for t in (q[:, :, rows], k, v))
        seen = None if mask is None else mask[images, rows]
        y[images, rows, head] = attention.tile(some, keys, values, seen, own, rows).to(y.dtype)
    return y


def _backward(attention: Attention, mask, tensors, names, wants, gradient: Tensor) -> list[Tensor]:
    """Gradients of all tensors that want one."""
    # shape: tensors q, k, v and the weights as in _forward, gradient (b, heads, n, d)
    (q, k, v), weights = tensors[:3], tensors[3:]
    totals = [torch.zeros_like(in_full_precision(t), memory_format=torch.contiguous_format) if w else None
              for t, w in zip(tensors, wants, strict=True)]  # fmt: skip
    for head, images, rows in _tiles(q, k.shape[2]):
        parts = [q[images, head, rows], k[images, head], v[images, head], *(t[head] for t in weights)]
        parts = [in_full_precision(t.detach()).requires_grad_(w) for t, w in zip(parts, wants, strict=True)]
        seen = None if mask is None else mask[images, rows]
        with torch.enable_grad():
            some, keys, values, *own = parts
            y = attention.tile(some, keys, values, seen, dict(zip(names, own, strict=True)), rows)
        inputs = [t for t in parts if t.requires_grad]
        found = torch.autograd.grad(y, inputs, gradient[images, head, rows].to(y.dtype), materialize_grads=True)
        places = [(images, head, rows), (images, head), (images, head), *[(head,)] * len(weights)]
        wanted = [(total, place) for total, place in zip(totals, places, strict=True) if total is not None]
        for (total, place), increment in zip(wanted, found, strict=True):
            total[place] += increment
    return [total.to(t.dtype) for total, t in zip(totals, tensors, strict=True) if total is not None]
