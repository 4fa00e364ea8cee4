"""The matrices of a vision transformer's attention, written out.

Neither scores nor rows are formed in training: softmax is fused, and learnable attention never needs the rows.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.models.self_attention import KANSelfAttention
from edgewise.models.timm_parts import Attention, is_attention

SelfAttention = KANSelfAttention | Attention


@dataclass(frozen=True)
class AttentionMatrices:
    """Of one block, ``(b, heads, N, N)`` each; b counts pictures, or windows where attention stays within windows."""

    scores: Tensor
    """Before the activation: :math:`Q K^T / sqrt(d)`, with a bias for relative positions where there is one."""
    rows: Tensor
    """After it: what multiplies the values."""


def attention_blocks(model: nn.Module) -> dict[str, SelfAttention]:
    """The attentions of a network by name, in order: timm's, and those with learnable functions in them.

    Raises:
        ConfigError: There is none.
    """
    found = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, KANSelfAttention) or is_attention(module)
    }
    if not found:
        raise ConfigError(
            f"{type(model).__name__} has no attention: a vision transformer is needed, such as vit_tiny, vit_tiny_karat "
            "or another network of timm's with self-attention"
        )
    return found


def written_out(attention: SelfAttention, x: Tensor, windows: Tensor | None = None) -> AttentionMatrices:
    """Scores and rows of one attention.

    Args:
        attention: One of :func:`attention_blocks`.
        x: What it is given, ``(b, N, width)``.
        windows: Swin's mask of the windows of one image, 0 where seen.
    """
    learned = isinstance(attention, KANSelfAttention)
    scores = attention.scores(x) if learned else _softmax_scores(attention, x)
    if windows is None:  # all tokens see each other
        return AttentionMatrices(scores, attention.operator.matrix(scores) if learned else scores.softmax(-1))
    seen = (windows == 0).repeat(len(x) // len(windows), 1, 1).unsqueeze(1)
    softmax = scores.masked_fill(~seen, -torch.inf).softmax(-1)
    if not learned:
        return AttentionMatrices(scores, softmax)
    rows = attention.operator.matrix(scores.masked_fill(~seen, 0)) * seen
    kept = getattr(attention.operator, "softmax_heads", 0)
    return AttentionMatrices(scores, torch.cat([softmax[:, :kept], rows[:, kept:]], 1))


def _softmax_scores(attention: Attention, x: Tensor) -> Tensor:
    q, k, _ = attention.qkv(x).unflatten(-1, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4)
    if hasattr(attention, "q_norm"):
        q, k = attention.q_norm(q), attention.k_norm(k)
    scores = (q * attention.scale) @ k.mT
    return scores + attention._get_rel_pos_bias() if hasattr(attention, "_get_rel_pos_bias") else scores
