"""Attention of rank r on bases with global support: all heads in one compiled walk."""

from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.ops.attention import lean
from edgewise.ops.attention.definition import Attention, Form, LowRank, Weights
from edgewise.ops.native.functions import BASE_FUNCTIONS, global_settings, is_global
from edgewise.ops.native.library import available
from edgewise.ops.operation import Operands, Operation

NAMES = ("functions.coef", "functions.base_weight", "functions.scale", "projector")


def attend(attention: Attention, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, weights: Weights) -> Tensor:
    """Attention of all heads, ``(b, heads, n, d)``; what the kernels do not cover is carried out in tiles."""
    if not _covered(attention.form, q, k, v, mask, weights):
        return lean.attend(attention, q, k, v, mask, weights)
    y = RankAttention(attention)(q, k, v, *(weights.get(name) for name in NAMES)).transpose(1, 2)
    return y + (weights["bias"].unsqueeze(1) @ v) if "bias" in weights else y


@dataclass(frozen=True)
class RankAttention(Operation):
    """Of q, k, v, the weights of the functions and the projector, its bias left out; to ``(b, n, heads, d)``."""

    attention: Attention

    def plain(self, q, k, v, *weights):
        named = {name: t for name, t in zip(NAMES, weights, strict=True) if t is not None}
        return self.attention.plain(q, k, v, None, named).transpose(1, 2)

    def fast(self, *operands):
        hidden, y = torch.ops.edgewise.rank_attention(*self._told(operands))
        return y, (hidden,)

    def gradients(self, gradient, operands, wants, kept):
        told = self._told(operands)
        found = list(torch.ops.edgewise.rank_attention_backward(gradient.transpose(1, 2), *kept, *told))
        if wants[4] and told[4] is None:
            found[4] = torch.zeros_like(operands[4])
        return found

    def _told(self, operands: Operands) -> tuple:
        """What the operators are told: weights of the base branch only where its function is not zero."""
        # shape: coef (heads, N, K, r), base weights and scales (heads, r, N), projector (heads, N, r)
        edge = self.attention.form.edge
        base_weight = None if edge.base is None else operands[4]
        settings = global_settings(edge, has_base=base_weight is not None)[:-1]
        return *operands[:4], base_weight, *operands[5:], self.attention.scale, *settings


def _covered(form: Form, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, weights: Weights) -> bool:
    """Whether the kernels can carry this out; they are built if it is the first time.

    What they save beside q, k, v and the weights are r numbers a row, no more than the output that softmax saves.
    """
    return (
        type(form) is LowRank
        and form.simplex is None
        and mask is None
        and is_global(form.edge.basis)
        and (form.edge.base is None or form.edge.base in BASE_FUNCTIONS)
        and set(weights) <= {*NAMES, "bias"}
        and weights["projector"].shape[2] <= v.shape[3]
        and q.is_cpu
        and q.dtype in (torch.float32, torch.float64)
        and all(t.dtype == q.dtype and t.is_cpu for t in (k, v, *weights.values()))
        and available()
    )
