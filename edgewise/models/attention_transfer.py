"""Attention that another network has learned, under values of one's own: what is the attention alone worth?"""

from functools import partial

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.models.registry import forget_config
from edgewise.models.written_out import SelfAttention, attention_blocks, written_out


class BorrowedAttention(nn.Module):
    """A self-attention of timm's whose rows are given to it: ``proj(rows V)``; queries and keys are not used.

    Args:
        source: timm's, which gives up its parts; they keep their names.
    """

    qkv: nn.Linear
    proj: nn.Linear
    proj_drop: nn.Module

    def __init__(self, source: SelfAttention):
        super().__init__()
        for name, child in source.named_children():
            self.add_module(name, child)
        self.num_heads = source.num_heads
        self.rows: Tensor | None = None

    def forward(self, x: Tensor, attn_mask: Tensor | None = None, is_causal: bool = False) -> Tensor:
        if attn_mask is not None or is_causal:
            raise ConfigError("a mask does not reach the rows that a teacher lends: leave it out")
        b, n, width = x.shape
        if self.rows is None:
            raise ConfigError("no teacher has lent its rows: call the AttentionTransfer that this attention is part of")
        if self.rows.shape != (b, self.num_heads, n, n):
            raise ConfigError(
                f"the student's attention is (pictures, heads, tokens, tokens) = {(b, self.num_heads, n, n)} and the "
                f"teacher's {tuple(self.rows.shape)}: take networks of equal heads, patches and image size"
            )
        v = nn.functional.linear(x, *(p if p is None else p[2 * width :] for p in (self.qkv.weight, self.qkv.bias)))
        y = self.rows.to(v) @ v.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
        y = getattr(self, "norm", nn.Identity())(y.transpose(1, 2).flatten(2))
        gate = getattr(self, "gate", None)
        return self.proj_drop(self.proj(y if gate is None else y * gate(x).sigmoid()))


class AttentionTransfer(nn.Module):
    """A vision transformer that attends as a teacher does, picture by picture, and learns everything but attention.

    "Attention copy" of Li et al., "On the Surprising Effectiveness of Attention Transfer for Vision Transformers"
    (arXiv:2411.09702), as "Kolmogorov-Arnold Attention" (arXiv:2503.10632, section 5.3) uses it: the teacher sees each
    picture first, without a gradient, and what multiplies its values multiplies the student's. The paper leaves open
    whether scores or activated rows are copied; these are the rows.

    Args:
        student: A vision transformer of timm's plain attention, such as ``vit_tiny``; its attentions are replaced.
        teacher: A vision transformer, such as a trained ``vit_tiny_karat``; it is frozen.

    Shape:
        ``(N, in_channels, image_size, image_size) -> (N, num_classes)``

    Raises:
        ConfigError: One of the two has no attention, the student's is not plain, or they differ in blocks, heads or tokens.

    Example:
        >>> from edgewise.models import create_model
        >>> model = AttentionTransfer(create_model("vit_micro"), create_model("vit_micro_karat"))
        >>> model(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 10])
    """

    def __init__(self, student: nn.Module, teacher: nn.Module):
        super().__init__()
        own, theirs = attention_blocks(student), attention_blocks(teacher)
        for name, source in own.items():
            if not type(source).__module__.startswith("timm.layers"):
                raise ConfigError(
                    f"a student's attention must be timm's plain one, block {name} has {type(source).__name__}"
                )
        heads = [[attention.num_heads for attention in found.values()] for found in (own, theirs)]
        if heads[0] != heads[1]:
            raise ConfigError(f"the student's blocks have {heads[0]} heads and the teacher's {heads[1]}: take equal ones")
        self.student, self.teacher = student, teacher.requires_grad_(False)
        for (name, source), attention in zip(own.items(), theirs.values(), strict=True):
            borrower = BorrowedAttention(source)
            student.set_submodule(name, borrower)
            attention.register_forward_pre_hook(partial(_lend, borrower))  # a partial is copied with the network
        forget_config(student)  # which rebuilds another network
        self.train()

    def train(self, mode: bool = True) -> "AttentionTransfer":
        """The student's mode; the teacher stays in evaluation mode."""
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            self.teacher(x)
        y = self.student(x)
        for module in self.student.modules():
            if isinstance(module, BorrowedAttention):
                module.rows = None
        return y


def _lend(borrower: BorrowedAttention, attention: SelfAttention, inputs: tuple) -> None:
    borrower.rows = written_out(attention, inputs[0]).rows
