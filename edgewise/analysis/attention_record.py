"""Scores and activated rows of a vision transformer's attention, written out while pictures pass."""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import cast

from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.analysis.landscape import evaluating
from edgewise.models.timm_parts import Transformer
from edgewise.models.written_out import AttentionMatrices, SelfAttention, attention_blocks, written_out


def read_attention(model: nn.Module, images: Tensor, block: int = -1) -> AttentionMatrices:
    """The matrices of one block.

    Args:
        model: A vision transformer.
        images: What it sees, ``(b, C, H, W)``.
        block: Which attention, counted from 0, or from -1 backwards.

    Raises:
        ConfigError: There is no attention, or no such block.

    Example:
        >>> import torch
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
    places = list(attention_blocks(model).values())
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
    rows, columns = cast("Transformer", model).patch_embed.grid_size
    before = tokens - rows * columns
    if before >= 0:
        return before, rows, columns
    side = math.isqrt(tokens)  # of a window
    if side * side != tokens:
        raise ConfigError(f"{tokens} tokens are neither the {rows} x {columns} patches nor a square window of them")
    return 0, side, side


def _visit(attention: SelfAttention, inputs: tuple, options: dict, number: int, visit: Callable) -> None:
    x, mask, *_ = (*inputs, None)
    windows = options.get("mask", mask)
    if options.get("attn_mask") is not None or options.get("is_causal"):
        raise ConfigError("attention under a mask is not looked at: pass pictures without one")
    visit(number, written_out(attention, x, windows))
