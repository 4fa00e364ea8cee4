"""Scores and activated rows of a vision transformer's attention, written out while pictures pass.

Neither is formed in training: softmax is fused, and learnable attention never needs the rows. Here both are computed once
more from what each attention is given, with softmax as with learnable functions.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from edgewise._errors import ConfigError
from edgewise.analysis.landscape import evaluating
from edgewise.models.kanify_attention import ATTENTIONS
from edgewise.models.self_attention import KANSelfAttention


@dataclass(frozen=True)
class AttentionMatrices:
    """Of one block, ``(b, heads, N, N)`` each; b counts pictures, or windows where attention stays within windows."""

    scores: Tensor
    """Before the activation: :math:`Q K^T / sqrt(d)`, with a bias for relative positions where there is one."""
    rows: Tensor
    """After it: what multiplies the values."""


def attention_blocks(model: nn.Module) -> list[nn.Module]:
    """The attentions of a network, in order: timm's, and those with learnable functions in them.

    Raises:
        ConfigError: There is none.
    """
    found = [
        module
        for module in model.modules()
        if isinstance(module, KANSelfAttention) or f"{type(module).__module__}.{type(module).__qualname__}" in ATTENTIONS
    ]
    if not found:
        raise ConfigError(
            f"{type(model).__name__} has no attention to look at: this analysis needs a vision transformer, such as "
            "vit_tiny, vit_tiny_karat or another network of timm's with self-attention"
        )
    return found


def read_attention(model: nn.Module, images: Tensor, block: int = -1) -> AttentionMatrices:
    """The matrices of one block.

    Args:
        model: A vision transformer.
        images: What it sees, ``(b, C, H, W)``.
        block: Which attention, counted from 0, or from -1 backwards.

    Raises:
        ConfigError: There is no attention, or no such block.

    Example:
        >>> from edgewise.models import create_model
        >>> found = read_attention(create_model("vit_micro_karat", rank=4), torch.randn(2, 3, 32, 32))
        >>> found.rows.shape, torch.linalg.matrix_rank(found.rows).max().item()
        (torch.Size([2, 2, 65, 65]), 4)
    """
    found: list[AttentionMatrices] = []
    with watching_attention(model, lambda _, matrices: found.append(matrices), [block]):
        model(images.to(next(model.parameters())))
    return found[0]


@contextlib.contextmanager
def watching_attention(
    model: nn.Module, visit: Callable[[int, AttentionMatrices], None], blocks: Sequence[int] | None = None
) -> Iterator[None]:
    """Within, the model is in evaluation mode, and ``visit`` gets each block's number and matrices as pictures pass it.

    Args:
        model: A vision transformer.
        visit: Called block by block, so that the matrices of one block need to be held only.
        blocks: Which attentions; None for all.

    Raises:
        ConfigError: There is no attention, or no such block.
    """
    places = attention_blocks(model)
    wanted = range(len(places)) if blocks is None else blocks
    for block in wanted:
        if not -len(places) <= block < len(places):
            raise ConfigError(f"block must be from 0 to {len(places) - 1}, or from -1 backwards, got {block}")
    numbers = [block % len(places) for block in wanted]
    hooks = [
        places[number].register_forward_pre_hook(partial(_visit, number=number, visit=visit), with_kwargs=True)
        for number in numbers
    ]
    try:
        with evaluating(model):
            yield
    finally:
        for hook in hooks:
            hook.remove()


def token_grid(model: nn.Module, tokens: int) -> tuple[int, int, int]:
    """How the tokens of an attention lie: how many stand before the patches, and rows and columns of patches.

    Raises:
        ConfigError: They are no grid.
    """
    rows, columns = model.patch_embed.grid_size
    before = tokens - rows * columns
    if before >= 0:
        return before, rows, columns
    side = math.isqrt(tokens)  # of a window
    if side * side != tokens:
        raise ConfigError(f"{tokens} tokens are neither the {rows} x {columns} patches nor a square window of them")
    return 0, side, side


def _visit(attention: nn.Module, inputs: tuple, options: dict, number: int, visit: Callable) -> None:
    x, mask, *_ = (*inputs, None)
    windows = options.get("mask", mask)
    if options.get("attn_mask") is not None or options.get("is_causal"):
        raise ConfigError("attention under a mask is not looked at: pass pictures without one")
    visit(number, _written_out(attention, x, windows))


def _written_out(attention: nn.Module, x: Tensor, windows: Tensor | None) -> AttentionMatrices:
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


def _softmax_scores(attention: nn.Module, x: Tensor) -> Tensor:
    q, k, _ = attention.qkv(x).unflatten(-1, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4)
    if hasattr(attention, "q_norm"):
        q, k = attention.q_norm(q), attention.k_norm(k)
    scores = (q * attention.scale) @ k.mT
    return scores + attention._get_rel_pos_bias() if hasattr(attention, "_get_rel_pos_bias") else scores
