r"""Rational functions of groups of channels: :math:`F(x) = P(x) / Q(x)`, :math:`P(x) = a_0 + a_1 x + \dots + a_m x^m`.

The two readings of the denominator:

=======  ====================================================  ======================================
reading  Q                                                     where
=======  ====================================================  ======================================
sum      :math:`1 + |b_1 x + \dots + b_n x^n|`                 the paper on KAT
terms    :math:`1 + |b_1 x| + \dots + |b_n x^n|`               the code that its models were trained with
=======  ====================================================  ======================================
The derivative of \|t\| at 0 is taken to be 1, so that coefficients that start as 0 can leave it.
"""

from typing import Literal

import torch
from torch import Tensor

from edgewise._torch_private import watched
from edgewise.ops import native
from edgewise.ops.backend import backend_in_use
from edgewise.ops.edge import in_full_precision

Reading = Literal["sum", "terms"]
READINGS = ("sum", "terms")
COMPILED = (6, 4)  # coefficients above and below for which there are kernels
CHUNK_BYTES = {"cpu": 1 << 20}  # of the input at once
CHUNK_BYTES_ELSEWHERE = 64 << 20


def rational(x: Tensor, a: Tensor, b: Tensor, reading: Reading) -> Tensor:
    """The formula: ``x (rows, groups, channels)``, ``a (groups, m + 1)``, ``b (groups, n)``."""
    a, b = (t.t().unsqueeze(-1) for t in (a, b))  # (coefficients, groups, 1)
    t = x
    if reading == "terms":
        b, t = _absolute(b), _absolute(x)
    top = a[-1].expand_as(x)
    for c in reversed(a[:-1]):
        top = top * x + c
    sum_ = torch.zeros_like(x)
    for c in reversed(b):
        sum_ = (sum_ + c) * t
    return top / (1 + _absolute(sum_))


def group_rational(x: Tensor, a: Tensor, b: Tensor, reading: Reading = "sum") -> Tensor:
    """Apply the functions, saving ``x`` alone for the backward; in float32 at least.

    Args:
        x: ``(..., C)``; its C channels are cut into groups of neighbours.
        a: Numerators ``(groups, m + 1)``.
        b: Denominators ``(groups, n)``.
        reading: Of the denominator.
    """
    with torch.autocast(x.device.type, enabled=False):
        if watched():
            return _plain(x, a, b, reading)
        if torch.is_grad_enabled() and any(t.requires_grad for t in (x, a, b)):
            return _GroupRational.apply(x, a, b, reading)
        return _forward(x, a, b, reading)


class _GroupRational(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, a: Tensor, b: Tensor, reading: Reading) -> Tensor:
        ctx.reading = reading
        ctx.save_for_backward(x, a, b)
        return _forward(x, a, b, reading)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        (x, a, b), wants = ctx.saved_tensors, ctx.needs_input_grad[:3]
        with torch.autocast(x.device.type, enabled=False):
            if torch.is_grad_enabled():  # a gradient of this gradient is wanted
                inputs = [t for t, want in zip((x, a, b), wants, strict=True) if want]
                y = _plain(x, a, b, ctx.reading)
                found = iter(torch.autograd.grad(y, inputs, gradient, create_graph=True, materialize_grads=True))
                return *(next(found) if want else None for want in wants), None
            found = _backward(x, a, b, ctx.reading, gradient)
        return *(t.to(like.dtype) if want else None for t, like, want in zip(found, (x, a, b), wants, strict=True)), None


def _plain(x: Tensor, a: Tensor, b: Tensor, reading: Reading) -> Tensor:
    a, b = in_full_precision(a), in_full_precision(b)
    return rational(in_full_precision(_rows(x, len(a))), a, b, reading).reshape(x.shape).to(x.dtype)


def _forward(x: Tensor, a: Tensor, b: Tensor, reading: Reading) -> Tensor:
    if _compiled(x, a, b):
        return torch.ops.edgewise.rational(x.reshape(-1, x.shape[-1]), a, b, reading == "terms").view(x.shape)
    rows = _rows(x, len(a))
    a, b = in_full_precision(a), in_full_precision(b)
    y = torch.empty_like(rows, memory_format=torch.contiguous_format)
    for some in _chunks(rows):
        y[some] = rational(in_full_precision(rows[some]), a, b, reading).to(y.dtype)
    return y.view(x.shape)


def _backward(x: Tensor, a: Tensor, b: Tensor, reading: Reading, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of x, and in float64 of a and b: sums of millions of numbers, most of which cancel."""
    if _compiled(x, a, b):
        flat = (t.reshape(-1, x.shape[-1]) for t in (gradient, x))
        dx, da, db = torch.ops.edgewise.rational_backward(*flat, a, b, reading == "terms")
        return dx.view(x.shape), da, db
    rows, gradients = _rows(x, len(a)), _rows(gradient, len(a))
    a, b = (in_full_precision(t.detach()).requires_grad_() for t in (a, b))
    wide = torch.float32 if x.device.type == "mps" else torch.float64
    dx = torch.empty_like(rows, memory_format=torch.contiguous_format)
    da, db = (torch.zeros_like(t, dtype=wide) for t in (a, b))
    for some in _chunks(rows):
        part = in_full_precision(rows[some].detach()).requires_grad_()
        with torch.enable_grad():
            y = rational(part, a, b, reading)
        dpart, *increments = torch.autograd.grad(y, (part, a, b), gradients[some].to(y.dtype))
        dx[some] = dpart.to(dx.dtype)
        for total, increment in zip((da, db), increments, strict=True):
            total += increment
    return dx.view(x.shape), da, db


def _rows(x: Tensor, groups: int) -> Tensor:
    return x.reshape(-1, groups, x.shape[-1] // groups)


def _chunks(rows: Tensor) -> list[slice]:
    row = max(1, rows[:1].numel() * rows.element_size())
    step = max(1, CHUNK_BYTES.get(rows.device.type, CHUNK_BYTES_ELSEWHERE) // row)
    return [slice(i, i + step) for i in range(0, rows.shape[0], step)]


def _absolute(t: Tensor) -> Tensor:
    return torch.where(t < 0, -t, t)


def _compiled(x: Tensor, a: Tensor, b: Tensor) -> bool:
    return (
        x.is_cpu
        and x.dtype in (torch.float32, torch.float64)
        and x.dtype == a.dtype == b.dtype
        and (a.shape[1], b.shape[1]) == COMPILED
        and backend_in_use() == "native"
        and native.available()
    )
