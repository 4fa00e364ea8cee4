"""Small vision transformers of all kinds, by name."""

from functools import partial

import pytest
import torch
from torch import nn

from edgewise.models import kanify_attention
from edgewise.nn import ATTENTION_OPERATORS, LowRankAttention

timm = pytest.importorskip("timm")

RANK = 4
LOW_RANK = partial(LowRankAttention, rank=RANK)


def vit(**options) -> nn.Module:
    """17 tokens, 3 heads 16 wide."""
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 48, "depth": 2, "num_heads": 3, "num_classes": 5}
    return timm.models.VisionTransformer(**(sizes | options))


def swin() -> nn.Module:
    """Windows of 16 tokens, every other block shifted."""
    return timm.models.SwinTransformer(
        img_size=32, patch_size=2, window_size=4, embed_dim=12, depths=(2, 2), num_heads=(2, 4), num_classes=5
    )


def convit() -> nn.Module:
    """Two blocks of gated attention, two of plain."""
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 12, "depth": 4, "num_heads": 4, "num_classes": 5}
    return timm.models.ConVit(**sizes, local_up_to_layer=2)


NETWORKS = {
    "softmax": vit,
    "softmax with normed queries": lambda: vit(qk_norm=True),
    "windows": swin,
    "behind gated": convit,
    "low rank": lambda: kanify_attention(vit(), LOW_RANK),
    "low rank with bias": lambda: kanify_attention(vit(), partial(LOW_RANK, bias=True)),
    "shared": lambda: kanify_attention(vit(), LOW_RANK, sharing="universal"),
    "hybrid": lambda: kanify_attention(vit(), LOW_RANK, softmax_heads=1),
    "full": lambda: kanify_attention(vit(), ATTENTION_OPERATORS["full"]),
    "projector first": lambda: kanify_attention(vit(), partial(ATTENTION_OPERATORS["projector_first"], rank=RANK)),
    "on the simplex": lambda: kanify_attention(vit(), partial(LOW_RANK, simplex="rows")),
    "learned windows": lambda: kanify_attention(swin(), LOW_RANK),
    "hybrid windows": lambda: kanify_attention(swin(), LOW_RANK, softmax_heads=1),
}


def images(count: int = 2) -> torch.Tensor:
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
