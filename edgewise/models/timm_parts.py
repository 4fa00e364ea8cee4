"""What is used of timm's modules. Names of classes tell which they are, so timm need not be imported to ask.

The classes here are for readers and type checkers only: nothing is ever made of them.
"""

from collections.abc import Callable
from typing import TypeGuard

from torch import Tensor, nn

ATTENTIONS = (
    "timm.layers.attention.Attention",
    "timm.models.convit.MHSA",
    "timm.models.swin_transformer.WindowAttention",
)
PERCEPTRONS = ("timm.layers.mlp.Mlp",)


class Attention(nn.Module):
    """One of ``ATTENTIONS``: softmax between ``qkv`` and ``proj``."""

    qkv: nn.Linear
    proj: nn.Linear
    attn_drop: nn.Dropout
    num_heads: int
    scale: float
    q_norm: nn.Module  # of some only, and so are the next two: ask by hasattr
    k_norm: nn.Module
    _get_rel_pos_bias: Callable[[], Tensor]


class Perceptron(nn.Module):
    """One of ``PERCEPTRONS``."""

    fc1: nn.Linear
    drop1: nn.Module
    fc2: nn.Linear
    drop2: nn.Module


class Patches(nn.Module):
    """What turns an image into tokens."""

    proj: nn.Conv2d
    img_size: tuple[int, int]
    grid_size: tuple[int, int]
    num_patches: int


class Transformer(nn.Module):
    """A vision transformer."""

    patch_embed: Patches


def is_attention(module: nn.Module) -> TypeGuard[Attention]:
    """Whether it is an attention of timm's whose softmax can be taken out."""
    return _class_path(module) in ATTENTIONS


def is_perceptron(module: nn.Module) -> TypeGuard[Perceptron]:
    """Whether it is a perceptron of timm's."""
    return _class_path(module) in PERCEPTRONS


def _class_path(module: nn.Module) -> str:
    return f"{type(module).__module__}.{type(module).__qualname__}"
