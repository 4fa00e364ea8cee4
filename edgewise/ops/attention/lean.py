r"""Attention carried out tile by tile.

A row of scores needs no other row, so nothing is saved for the backward but q, k, v and the parameters: both passes walk
over tiles (some images, one head, some rows) and forget the scores of one before the next.
"""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from edgewise._torch_private import watched
from edgewise.ops.attention.definition import Attention
from edgewise.ops.attention.native import covers, rank_attention
from edgewise.ops.backend import backend_in_use
from edgewise.ops.edge import in_full_precision

TILE_BYTES = {"cpu": 4 << 20}  # of scores alive at once
TILE_BYTES_ELSEWHERE = 64 << 20


def attend(attention: Attention, q: Tensor, k: Tensor, v: Tensor, weights: Mapping[str, Tensor], mask=None) -> Tensor:
    """Attention of all heads, saving ``q``, ``k``, ``v`` and the weights; in float32 at least, under autocast too.

    Args:
        attention: What to compute.
        q: Queries ``(b, heads, n, d)``.
        k: Keys ``(b, heads, N, d)``.
        v: Values ``(b, heads, N, d)``.
        weights: Names and tensors, each ``(heads, ...)``.
        mask: True where a query sees a key, ``(b, n, N)``; None for everywhere.
    """
    with torch.autocast(q.device.type, enabled=False):
        if watched():
            return attention.plain(q, k, v, mask, weights).to(v.dtype)
        if backend_in_use() == "native" and covers(attention.form, q, k, v, mask, weights):
            y = rank_attention(attention, q, k, v, weights).transpose(1, 2)
            return y + (weights["bias"].unsqueeze(1) @ v) if "bias" in weights else y
        if torch.is_grad_enabled() and any(t.requires_grad for t in (q, k, v, *weights.values())):
            return _Tiled.apply(attention, tuple(weights), mask, q, k, v, *weights.values()).transpose(1, 2)
        return _forward(attention, mask, q, k, v, weights).transpose(1, 2)


class _Tiled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, attention: Attention, names: tuple[str, ...], mask, q, k, v, *weights):
        ctx.attention, ctx.names = attention, names
        ctx.save_for_backward(mask, q, k, v, *weights)
        return _forward(attention, mask, q, k, v, dict(zip(names, weights, strict=True)))

    @staticmethod
    def backward(ctx, gradient: Tensor):
        mask, *tensors = ctx.saved_tensors
        gradient = gradient.transpose(1, 2)
        wants = ctx.needs_input_grad[3:]
        with torch.autocast(gradient.device.type, enabled=False):
            if torch.is_grad_enabled():  # a gradient of this gradient is wanted
                y = ctx.attention.plain(*tensors[:3], mask, dict(zip(ctx.names, tensors[3:], strict=True)))
                inputs = [t for t, want in zip(tensors, wants, strict=True) if want]
                found = torch.autograd.grad(y, inputs, gradient.to(y.dtype), create_graph=True, materialize_grads=True)
            else:
                found = _backward(ctx.attention, mask, tensors, ctx.names, wants, gradient)
        found = iter(found)
        return None, None, None, *(next(found) if want else None for want in wants)


def _tiles(q: Tensor, keys: int) -> Iterator[tuple[int, slice, slice]]:
    """Heads, images and rows, with no more scores at once than the cache holds."""
    row = max(1, keys * max(4, q.element_size()))
    room = max(1, TILE_BYTES.get(q.device.type, TILE_BYTES_ELSEWHERE) // row)
    images, heads, rows = q.shape[:3]
    some, step = (max(1, room // max(1, rows)), rows) if room >= rows else (1, room)
    for head in range(heads):
        for image in range(0, images, some):
            for first in range(0, rows, max(1, step)):
                yield head, slice(image, image + some), slice(first, first + step)


def _forward(attention: Attention, mask, q, k, v, weights: Mapping[str, Tensor]) -> Tensor:
    """``(b, n, heads, d)``: heads beside heads, as the next layer takes them."""
    y = v.new_empty(q.shape[0], q.shape[2], q.shape[1], v.shape[3])
    for head, images, rows in _tiles(q, k.shape[2]):
        own = {name: in_full_precision(t[head]) for name, t in weights.items()}
        part = [in_full_precision(t[images, head]) for t in (q[:, :, rows], k, v)]
        seen = None if mask is None else mask[images, rows]
        y[images, rows, head] = attention.tile(*part, seen, own, rows).to(y.dtype)
    return y


def _backward(attention: Attention, mask, tensors, names, wants, gradient: Tensor) -> list[Tensor]:
    """Gradients of all tensors that want one."""
    (q, k, v), weights = tensors[:3], tensors[3:]
    totals = [torch.zeros_like(in_full_precision(t), memory_format=torch.contiguous_format) if w else None
              for t, w in zip(tensors, wants, strict=True)]  # fmt: skip
    for head, images, rows in _tiles(q, k.shape[2]):
        parts = [q[images, head, rows], k[images, head], v[images, head], *(t[head] for t in weights)]
        parts = [in_full_precision(t.detach()).requires_grad_(w) for t, w in zip(parts, wants, strict=True)]
        seen = None if mask is None else mask[images, rows]
        with torch.enable_grad():
            y = attention.tile(*parts[:3], seen, dict(zip(names, parts[3:], strict=True)), rows)
        inputs = [t for t in parts if t.requires_grad]
        found = torch.autograd.grad(y, inputs, gradient[images, head, rows].to(y.dtype), materialize_grads=True)
        places = [(images, head, rows), (images, head), (images, head), *[(head,)] * len(weights)]
        wanted = [(total, place) for total, place in zip(totals, places, strict=True) if total is not None]
        for (total, place), increment in zip(wanted, found, strict=True):
            total[place] += increment
    return [total.to(t.dtype) for total, t in zip(totals, tensors, strict=True) if total is not None]
