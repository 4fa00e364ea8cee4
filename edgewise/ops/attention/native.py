"""Attention of rank r on bases with global support: all heads in one compiled walk."""

from collections.abc import Mapping

import torch
from torch import Tensor

from edgewise.ops.attention.definition import Form, LowRank
from edgewise.ops.native.functions import BASE_FUNCTIONS, global_settings, is_global
from edgewise.ops.native.library import available

_NAMES = ("functions.coef", "functions.base_weight", "functions.scale", "projector")


def covers(form: Form, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, weights: Mapping[str, Tensor]) -> bool:
    """Whether the kernels can carry this out; they are built if it is the first time.

    What they save beside q, k, v and the weights are r numbers a row, no more than the output that softmax saves.
    """
    return (
        type(form) is LowRank
        and form.simplex is None
        and mask is None
        and is_global(form.edge.basis)
        and (form.edge.base is None or form.edge.base in BASE_FUNCTIONS)
        and set(weights) <= {*_NAMES, "bias"}
        and weights["projector"].shape[2] <= v.shape[3]
        and q.is_cpu
        and q.dtype in (torch.float32, torch.float64)
        and all(t.dtype == q.dtype and t.is_cpu for t in (k, v, *weights.values()))
        and available()
    )


def rank_attention(attention, q: Tensor, k: Tensor, v: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """Tokens before heads, ``(b, n, heads, d)``; a bias of the projector is left out."""
    given = (q, k, v, *(weights.get(name) for name in _NAMES))
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in given):
        return _RankAttention.apply(attention, *given)
    return _forward(attention, *given)[1]


class _RankAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx, attention, *given: Tensor | None) -> Tensor:
        hidden, y = _forward(attention, *given)
        ctx.attention = attention
        ctx.save_for_backward(hidden, *given)
        return y

    @staticmethod
    def backward(ctx, gradient: Tensor):
        (hidden, *given), wants = ctx.saved_tensors, ctx.needs_input_grad[1:]
        gradient = gradient.transpose(1, 2)
        if torch.is_grad_enabled():  # a gradient of this gradient is wanted
            inputs = [t for t, want in zip(given, wants, strict=True) if want]
            weights = {name: t for name, t in zip(_NAMES, given[3:], strict=True) if t is not None}
            y = ctx.attention.plain(*given[:3], None, weights)
            found = iter(torch.autograd.grad(y, inputs, gradient, create_graph=True, materialize_grads=True))
            return None, *(next(found) if want else None for want in wants)
        base = _used_base(ctx.attention, given[4])
        operands = (*given[:4], base, *given[5:])
        found = list(
            torch.ops.edgewise.rank_attention_backward(gradient, hidden, *operands, *_settings(ctx.attention, base))
        )
        if base is None and wants[4]:
            found[4] = torch.zeros_like(given[4])
        return None, *(t if want else None for t, want in zip(found, wants, strict=True))


def _forward(attention, q, k, v, coef, base, scale, projector) -> tuple[Tensor, Tensor]:
    base = _used_base(attention, base)
    return torch.ops.edgewise.rank_attention(q, k, v, coef, base, scale, projector, *_settings(attention, base))


def _used_base(attention, base: Tensor | None) -> Tensor | None:
    """The weights of the base branch, unless its function is zero."""
    return None if attention.form.edge.base is None else base


def _settings(attention, base: Tensor | None) -> tuple:
    return attention.scale, *global_settings(attention.form.edge, base is not None)[:-1]
