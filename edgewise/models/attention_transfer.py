"""Attention that another network has learned, under values of one's own: what is the attention alone worth?"""

from functools import partial

import torch
from torch import Tensor, nn

from edgewise._errors import ConfigError
from edgewise.models.registry import ExampleInput, create_model, register_model
from edgewise.models.written_out import attention_blocks, written_out


class BorrowedAttention(nn.Module):
    """A self-attention of timm's whose rows are given to it: ``proj(rows V)``; queries and keys are not used.

    Args:
        source: timm's, which gives up its parts; they keep their names.
    """

    def __init__(self, source: nn.Module):
        super().__init__()
        for name, child in source.named_children():
            self.add_module(name, child)
        self.num_heads, self.rows = source.num_heads, None

    def forward(self, x: Tensor, **_) -> Tensor:
        b, n, width = x.shape
        if self.rows.shape != (b, self.num_heads, n, n):
            raise ConfigError(
                f"the student's attention is (pictures, heads, tokens, tokens) = {(b, self.num_heads, n, n)} and the "
                f"teacher's {tuple(self.rows.shape)}: take networks of equal heads, patches and image size"
            )
        v = nn.functional.linear(x, *(p if p is None else p[2 * width :] for p in (self.qkv.weight, self.qkv.bias)))
        y = self.rows.to(v) @ v.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
        return self.proj_drop(self.proj(getattr(self, "norm", nn.Identity())(y.transpose(1, 2).flatten(2))))


@register_model("attention_transfer")
class AttentionTransfer(nn.Module):
    """A vision transformer that attends as a teacher does, picture by picture, and learns everything but attention.

    "Attention copy" of Li et al., "On the Surprising Effectiveness of Attention Transfer for Vision Transformers"
    (arXiv:2411.09702), as "Kolmogorov-Arnold Attention" (arXiv:2503.10632, section 5.3) uses it: the teacher sees each
    picture first, without a gradient, and what multiplies its values multiplies the student's. The paper leaves open
    whether scores or activated rows are copied; these are the rows.

    Args:
        student: Name of a registered vision transformer of timm's plain attention, such as ``"vit_tiny"``.
        teacher: Name of a registered vision transformer, such as ``"vit_tiny_karat"``; its weights come from a run.
        student_options: Of the student.
        teacher_options: Of the teacher.
        num_classes: Size of the logits.
        in_channels: Channels of the images.
        image_size: Side of the images.

    Shape:
        ``(N, in_channels, image_size, image_size) -> (N, num_classes)``

    Raises:
        ConfigError: One of the two has no attention, the student's is not plain, or they differ in blocks, heads or tokens.

    Example:
        >>> model = AttentionTransfer("vit_micro", "vit_micro_karat")
        >>> model(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 10])
    """

    def __init__(
        self,
        student: str = "vit_tiny",
        teacher: str = "vit_tiny_karat",
        student_options: dict | None = None,
        teacher_options: dict | None = None,
        num_classes: int = 10,
        in_channels: int = 3,
        image_size: int | None = None,
    ):
        super().__init__()
        shared = {"num_classes": num_classes, "in_channels": in_channels}
        shared |= {} if image_size is None else {"image_size": image_size}
        self.student = create_model(student, **shared, **(student_options or {}))
        self.teacher = create_model(teacher, **shared, **(teacher_options or {})).requires_grad_(False)
        self.example_input = ExampleInput(self, tuple(self.student.example_input(1).shape[1:]))
        own, theirs = attention_blocks(self.student), attention_blocks(self.teacher)
        for name, source in own.items():
            if not type(source).__module__.startswith("timm.layers"):
                raise ConfigError(
                    f"a student's attention must be timm's plain one, block {name} has {type(source).__name__}"
                )
            self.student.set_submodule(name, BorrowedAttention(source))
        heads = [[attention.num_heads for attention in found.values()] for found in (own, theirs)]
        if heads[0] != heads[1]:
            raise ConfigError(f"the student's blocks have {heads[0]} heads and the teacher's {heads[1]}: take equal ones")
        borrowers = [self.student.get_submodule(name) for name in own]
        for borrower, attention in zip(borrowers, theirs.values(), strict=True):
            attention.register_forward_pre_hook(partial(_lend, borrower))  # a partial is copied with the network
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


def _lend(borrower: BorrowedAttention, attention: nn.Module, inputs: tuple) -> None:
    borrower.rows = written_out(attention, inputs[0]).rows
