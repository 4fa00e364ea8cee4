"""Attention of rank r on bases with global support: scores and functions in kernels of Triton, tile by tile.

Graphs are made of plain arithmetic.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.ops.attention import lean
from edgewise.ops.attention.definition import Attention, Form, LowRank, Weights
from edgewise.ops.attention.native import NAMES, RankAttention
from edgewise.ops.edge import in_full_precision
from edgewise.ops.native.functions import BASE_FUNCTIONS, is_global
from edgewise.ops.operation import Operands
from edgewise.ops.triton import available

_DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
_WIDEST = 128  # of a head, and of its rank: a tile holds all of it


def attend(attention: Attention, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, weights: Weights) -> Tensor:
    """Attention of all heads, ``(b, heads, n, d)``; what the kernels do not cover is carried out in tiles."""
    if not _covered(attention.form, q, k, v, mask, weights):
        return lean.attend(attention, q, k, v, mask, weights)
    y = TritonRankAttention(attention)(q, k, v, *(weights.get(name) for name in NAMES)).transpose(1, 2)
    return y + (weights["bias"].unsqueeze(1) @ v).to(y.dtype) if "bias" in weights else y


@dataclass(frozen=True)
class TritonRankAttention(RankAttention):
    """As the class above it; the functions' sums alone are saved beside the operands, r numbers a row."""

    def fast(self, *operands):
        # shape: q (b, heads, n, d), k and v (b, heads, N, d), projector (heads, N, r)
        v, projector = (in_full_precision(t) for t in (operands[2], operands[6]))
        hidden = self._functions(operands).forward()
        y = hidden @ (projector.mT @ v)
        return y.to(operands[2].dtype).transpose(1, 2), (hidden,)

    def gradients(self, gradient, operands, wants, kept):
        # shape: gradient (b, n, heads, d), hidden (b, heads, n, r)
        (hidden,), gradient = kept, in_full_precision(gradient.transpose(1, 2))
        v, projector = (in_full_precision(t) for t in (operands[2], operands[6]))
        dmixed = hidden.mT @ gradient  # (b, heads, r, d)
        dq, dk, dweights = self._functions(operands).gradients(gradient @ (v.mT @ projector))
        found = [dq, dk, projector @ dmixed, *self._unpacked(dweights, operands), (v @ dmixed.mT).sum(0)]
        return [t if t is None else t.to(given.dtype) for t, given in zip(found, operands, strict=True)]

    def _functions(self, operands: Operands):
        from edgewise.ops.attention.triton_launch import FunctionsSum

        q, k = operands[:2]
        q, k = (t if t.stride(-1) == 1 else t.contiguous() for t in (q, k))
        return FunctionsSum(q, k, self._packed(operands), self.attention.form.edge, self.attention.scale)

    def _packed(self, operands: Operands) -> Tensor:
        """All functions' weights, the base branch last, ``(heads, N, functions, r)``."""
        # shape: coef (heads, N, K, r), base weights and scales (heads, r, N)
        coef, base, scale = operands[3:6]
        coef = in_full_precision(coef)
        coef = coef if scale is None else coef * in_full_precision(scale).mT.unsqueeze(2)
        if self.attention.form.edge.base is None or base is None:
            return coef.contiguous()
        return torch.cat([coef, in_full_precision(base).mT.unsqueeze(2)], 2)

    def _unpacked(self, dweights: Tensor, operands: Operands) -> list[Tensor | None]:
        """The gradients of coefficients, base weights and scales."""
        coef, base, scale = operands[3:6]
        part = dweights[:, :, : coef.shape[2]]
        dcoef = part if scale is None else part * scale.mT.unsqueeze(2)
        based = self.attention.form.edge.base is not None
        dbase = None if base is None else dweights[:, :, -1].mT if based else torch.zeros_like(base)
        return [dcoef, dbase, None if scale is None else (part * coef).sum(2).mT]


def _covered(form: Form, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, weights: Weights) -> bool:
    """Whether the kernels can carry this out."""
    return (
        type(form) is LowRank
        and form.simplex is None
        and mask is None
        and is_global(form.edge.basis)
        and (form.edge.base is None or form.edge.base in BASE_FUNCTIONS)
        and set(weights) <= {*NAMES, "bias"}
        and weights["projector"].shape[2] <= min(v.shape[3], _WIDEST)
        and q.shape[3] <= _WIDEST
        and q.numel() > 0
        and all(t.dtype in _DTYPES and t.device == q.device for t in (q, k, v, *weights.values()))
        and q.dtype == k.dtype == v.dtype
        and available(q.device)
    )
