r"""How attention spreads over tokens, in numbers that mean the same for softmax and for learnable functions.

Rows of softmax are probabilities; rows of learnable functions may be negative and sum to anything. Of a row a, the numbers
are those of :math:`p = |a| / \sum |a|`, which is a itself for softmax.
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.analysis.attention_record import token_grid, watching_attention
from edgewise.models.written_out import AttentionMatrices, attention_blocks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLES = {
    "entropy": "entropy (nats)",
    "evenness": "entropy / log N",
    "own": "part on the token itself",
    "first": "part on the class token",
    "distance": "distance (patches)",
    "similarity": "cosine between rows",
    "negative": "negative part",
    "total": "sum of a row",
}


@dataclass(frozen=True)
class HeadStatistics:
    """Of one head, the mean over all rows of all pictures."""

    block: int
    head: int
    entropy: float
    """Of p, in nats: 0 where a token looks at one token only, log N where it looks at all alike."""
    evenness: float
    """The same as a part of log N."""
    own: float
    """Part of p that a token gives itself."""
    first: float
    """Part of p that goes to the tokens before the patches, such as the class token; 0 where there is none."""
    distance: float
    """How far, in patches, a patch looks: the mean distance under p, of patches from patches."""
    similarity: float
    """Mean cosine between the rows a of two different tokens: 1 where all tokens look at the same."""
    negative: float
    """Part of p that belongs to negative entries; 0 for softmax."""
    total: float
    """Sum of a row; 1 for softmax."""


@dataclass(frozen=True)
class AttentionStatistics:
    """The statistics of all heads of all blocks."""

    heads: tuple[HeadStatistics, ...]
    tokens: dict[int, int]
    """Number of tokens that a row has in each block."""

    def rows(self) -> list[dict]:
        """A line for each head."""
        return [asdict(head) for head in self.heads]

    def summary(self) -> dict:
        """Means over the heads of each block, and over all."""
        blocks = {f"block {block}": self._means(block) for block in self.tokens}
        return {"all": self._means(None)} | blocks

    def plot(self) -> "Figure":
        """Each statistic by block: a dot for each head, a line through their means."""
        from edgewise._ground.figures import PALETTE, figure_of, style

        with style():
            figure = figure_of(figsize=(11, 4.6), layout="constrained")
            for axes, name, colour in zip(figure.subplots(2, 4).ravel(), TITLES, cycle(PALETTE), strict=False):
                axes.scatter([h.block for h in self.heads], [getattr(h, name) for h in self.heads], s=8, color=colour)
                axes.plot(list(self.tokens), [self._means(block)[name] for block in self.tokens], color=colour, linewidth=1)
                axes.set(title=TITLES[name], xlabel="block")
                axes.xaxis.get_major_locator().set_params(integer=True)
        return figure

    def _means(self, block: int | None) -> dict[str, float]:
        heads = [head for head in self.heads if block in (None, head.block)]
        return {name: sum(getattr(head, name) for head in heads) / len(heads) for name in TITLES}


def attention_statistics(model: nn.Module, batches: Iterable[Tensor]) -> AttentionStatistics:
    """Measure every head of every attention of a vision transformer.

    Entropy as in Vig and Belinkov (arXiv:1906.04284), distance as in Dosovitskiy et al. (arXiv:2010.11929, appendix D.7).

    Args:
        model: With softmax or learnable functions.
        batches: Pictures as it sees them, ``(b, C, H, W)`` each.

    Raises:
        ConfigError: The network has no attention, or there is no picture.

    Example:
        >>> from edgewise.models import create_model
        >>> found = attention_statistics(create_model("vit_micro"), [torch.randn(2, 3, 32, 32)])
        >>> len(found.heads), round(found.summary()["all"]["total"], 4)
        (12, 1.0)
    """
    attention_blocks(model)
    sums: dict[int, Tensor] = {}
    counts: dict[int, int] = {}
    tokens: dict[int, int] = {}

    def visit(number: int, matrices: AttentionMatrices) -> None:
        tokens[number] = matrices.rows.shape[-1]
        found = row_statistics(matrices.rows, *token_grid(model, tokens[number])).sum(0)
        sums[number] = sums.get(number, 0) + found
        counts[number] = counts.get(number, 0) + len(matrices.rows)

    like = next(model.parameters())
    with watching_attention(model, visit):
        for images in batches:
            model(images.to(like))
    if not sums:
        raise ConfigError("statistics of attention need pictures to look at, got none")
    heads = [
        HeadStatistics(block, head, *numbers)
        for block in sorted(sums)
        for head, numbers in enumerate((sums[block] / counts[block]).tolist())
    ]
    return AttentionStatistics(tuple(heads), dict(sorted(tokens.items())))


def row_statistics(rows: Tensor, before: int, height: int, width: int) -> Tensor:
    """The statistics of attention matrices, in the order of :class:`HeadStatistics`.

    Args:
        rows: ``(b, heads, N, N)``.
        before: How many tokens stand before the patches.
        height: Rows of patches.
        width: Columns of patches.

    Returns:
        ``(b, heads, 8)``, float64.
    """
    a = rows.cpu().double()
    n = a.shape[-1]
    p = _parts(a.abs())
    entropy = torch.special.entr(p).sum(-1).mean(-1)
    own = p.diagonal(dim1=-2, dim2=-1).mean(-1)
    first = p[..., :before].sum(-1).mean(-1)
    places = torch.cartesian_prod(torch.arange(height), torch.arange(width)).to(a)
    distance = (_parts(p[..., before:, before:]) * torch.cdist(places, places)).sum(-1).mean(-1)
    directions = nn.functional.normalize(a, dim=-1)
    similarity = (directions.sum(-2).square().sum(-1) - directions.square().sum((-2, -1))) / max(n * (n - 1), 1)
    negative = (p * (a < 0)).sum(-1).mean(-1)
    evenness = entropy / math.log(n) if n > 1 else torch.ones_like(entropy)
    return torch.stack([entropy, evenness, own, first, distance, similarity, negative, a.sum(-1).mean(-1)], -1)


def _parts(sizes: Tensor) -> Tensor:
    return sizes / sizes.sum(-1, keepdim=True).clamp_min(torch.finfo(sizes.dtype).tiny)
