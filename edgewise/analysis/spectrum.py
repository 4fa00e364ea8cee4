"""Singular values of attention before and after its activation."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.analysis.attention_record import watching_attention
from edgewise.models.written_out import AttentionMatrices, attention_blocks

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class AttentionSpectrum:
    """Singular values of the scores and of what the activation makes of them, falling."""

    block: int
    before: np.ndarray
    """(pictures or windows, heads, N)."""
    after: np.ndarray
    """The same."""
    tolerance: float
    """A singular value counts that is above this part of the largest."""

    def ranks(self, side: str) -> np.ndarray:
        """The numerical rank of each matrix, (pictures, heads), ``"before"`` or ``"after"`` the activation."""
        return numerical_rank(getattr(self, side), self.tolerance)

    def rows(self) -> list[dict]:
        """A line for each index: least, mean and largest singular value over pictures and heads, before and after."""
        sides = {side: getattr(self, side).reshape(-1, self.before.shape[-1]) for side in ("before", "after")}
        return [
            {"index": index}
            | {
                f"{side} {name}": float(part(values[:, index]))
                for side, values in sides.items()
                for name, part in (("least", np.min), ("mean", np.mean), ("largest", np.max))
            }
            for index in range(self.before.shape[-1])
        ]

    def summary(self) -> dict:
        """Numerical and effective ranks, over pictures and heads and head by head."""
        found = {"block": self.block, "matrices": int(self.before[..., 0].size), "tokens": self.before.shape[-1]}
        for side in ("before", "after"):
            ranks, effective = self.ranks(side), effective_rank(getattr(self, side))
            found[f"rank {side}"] = float(ranks.mean())
            found[f"least rank {side}"], found[f"largest rank {side}"] = int(ranks.min()), int(ranks.max())
            found[f"effective rank {side}"] = float(effective.mean())
            found[f"rank {side} by head"] = ranks.mean(0).tolist()
        return found

    def plot(self) -> "Figure":
        """Least, mean and largest singular value by index, before and after, on a logarithmic scale."""
        from edgewise._ground.figures import PALETTE, figure_of, style

        rows = self.rows()
        with style():
            figure = figure_of(figsize=(5.6, 3.6), layout="constrained")
            axes = figure.subplots()
            for side, colour in zip(("before", "after"), PALETTE, strict=False):
                low, mean, high = (np.array([row[f"{side} {n}"] for row in rows]) for n in ("least", "mean", "largest"))
                index, floor = range(1, len(rows) + 1), np.finfo(np.float32).tiny
                label = f"{side} the activation (rank {self.ranks(side).mean():.1f})"
                axes.plot(index, mean.clip(floor), color=colour, label=label)
                axes.fill_between(index, low.clip(floor), high.clip(floor), color=colour, alpha=0.2, linewidth=0)
            least = self.tolerance * min(self.before.max(), self.after.max()) * 1e-4
            axes.set(title=f"Singular values of attention, block {self.block}", xlabel="index", yscale="log")
            axes.set_ylim(bottom=max(least, np.finfo(np.float32).tiny))
            axes.legend()
        return figure


def numerical_rank(values: np.ndarray, tolerance: float) -> np.ndarray:
    """How many singular values, along the last dimension, are above a part of the largest.

    Example:
        >>> numerical_rank(np.array([3.0, 1.0, 1e-9]), tolerance=1e-6).item()
        2
    """
    return (values > tolerance * values.max(-1, keepdims=True)).sum(-1)


def effective_rank(values: np.ndarray) -> np.ndarray:
    r"""The exponential of the entropy of :math:`\sigma_i / \sum_j \sigma_j` (Roy and Vetterli, EUSIPCO 2007).

    Example:
        >>> effective_rank(np.array([2.0, 2.0, 2.0, 0.0])).round(6).item()
        3.0
    """
    parts = torch.from_numpy(values / values.sum(-1, keepdims=True).clip(np.finfo(float).tiny))
    return torch.special.entr(parts).sum(-1).exp().numpy()


def attention_spectrum(
    model: nn.Module, batches: Iterable[Tensor], block: int = -1, tolerance: float | None = None
) -> AttentionSpectrum:
    """Singular values of a block's attention for each picture and head, as in the paper's appendix (arXiv:2503.10632, C.7).

    Args:
        model: A vision transformer, with softmax or learnable functions.
        batches: Pictures as it sees them, ``(b, C, H, W)`` each.
        block: Which attention, counted from 0, or from -1 backwards.
        tolerance: What part of the largest singular value counts as one; by default N times the rounding of the model's
            numbers, as numpy's ``matrix_rank`` has it.

    Raises:
        ConfigError: The network has no attention, or no such block; or there is no picture.

    Example:
        >>> from edgewise.models import create_model
        >>> model = create_model("vit_micro_karat", rank=4)
        >>> attention_spectrum(model, [torch.randn(2, 3, 32, 32)]).ranks("after").tolist()
        [[4, 4], [4, 4]]
    """
    found: dict[str, list[np.ndarray]] = {"before": [], "after": []}

    def visit(number: int, matrices: AttentionMatrices) -> None:
        for side, matrix in (("before", matrices.scores), ("after", matrices.rows)):
            found[side].append(torch.linalg.svdvals(matrix.cpu().double()).numpy())

    like = next(model.parameters())
    with watching_attention(model, visit, [block]):
        for images in batches:
            model(images.to(like))
    if not found["before"]:
        raise ConfigError("a spectrum needs pictures to look at, got none")
    before, after = (np.concatenate(values) for values in found.values())
    if tolerance is None:
        tolerance = float(before.shape[-1] * torch.finfo(like.dtype).eps)
    return AttentionSpectrum(block % len(attention_blocks(model)), before, after, tolerance)
