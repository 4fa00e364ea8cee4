"""The rational functions in chunks that fit the cache, saving the input alone."""

from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise._ground.precision import widest
from edgewise.ops.chunks import chunk_bytes
from edgewise.ops.operation import Operation
from edgewise.ops.rational.definition import Reading, by_group, group_rational, rational

ALIVE = 4  # tensors of the size of the input at once, at least


@dataclass(frozen=True)
class LeanRational(Operation):
    """Of x, numerators and denominators."""

    reading: Reading

    def plain(self, x, a, b):
        return group_rational(x, a, b, self.reading)

    def fast(self, x, a, b):
        rows = by_group(x, len(a))
        a, b = widest(a), widest(b)
        y = torch.empty_like(rows, memory_format=torch.contiguous_format)
        for some in _chunks(rows):
            y[some] = rational(widest(rows[some]), a, b, self.reading).to(y.dtype)
        return y.view(x.shape), ()

    def gradients(self, gradient, operands, wants, kept):
        """Those of a and b are sums of millions of numbers, most of which cancel: in float64."""
        # shape: x and gradient (..., C), a (groups, m + 1), b (groups, n)
        x, given_a, given_b = operands
        rows, gradients = by_group(x, len(given_a)), by_group(gradient, len(given_a))
        a, b = (widest(t.detach()).requires_grad_() for t in (given_a, given_b))
        dx = torch.empty_like(rows, memory_format=torch.contiguous_format)
        da, db = (torch.zeros_like(t) for t in (a, b))
        for some in _chunks(rows):
            part = widest(rows[some].detach()).requires_grad_()
            with torch.enable_grad():
                y = rational(part, a, b, self.reading)
            dpart, *increments = torch.autograd.grad(y, (part, a, b), gradients[some].to(y.dtype))
            dx[some] = dpart.to(dx.dtype)
            for total, increment in zip((da, db), increments, strict=True):
                total += increment
        return dx.view(x.shape), da.to(given_a.dtype), db.to(given_b.dtype)


def _chunks(rows: Tensor) -> list[slice]:
    row = max(1, rows[:1].numel() * rows.element_size())
    step = max(1, chunk_bytes(rows.device) // (ALIVE * row))
    return [slice(i, i + step) for i in range(0, rows.shape[0], step)]
