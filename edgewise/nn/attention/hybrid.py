"""Heads of both kinds in one block."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.nn.attention.operator import AttentionOperator


class HybridAttention(nn.Module):
    """Softmax in the first heads, learnable functions in the others.

    Args:
        operator: Made for the heads after the first ``softmax_heads``.
        softmax_heads: How many heads keep softmax, at least 1.

    Raises:
        ConfigError: No head keeps softmax.

    Example:
        >>> from edgewise.nn import LowRankAttention
        >>> HybridAttention(LowRankAttention(20, heads=2, rank=4), softmax_heads=1)(*torch.randn(3, 1, 3, 20, 8)).shape
        torch.Size([1, 3, 20, 8])
    """

    def __init__(self, operator: AttentionOperator, softmax_heads: int):
        super().__init__()
        if softmax_heads < 1:
            raise ConfigError(f"softmax_heads must be at least 1 (or take the operator alone), got {softmax_heads}")
        self.operator, self.softmax_heads = operator, softmax_heads

    @property
    def tokens(self) -> int:
        """N, the number of keys."""
        return self.operator.tokens

    @property
    def heads(self) -> int:
        """Heads of both kinds."""
        return self.softmax_heads + self.operator.heads

    def forward(self, q: Tensor, k: Tensor, v: Tensor, *, scale=None, offset: Tensor | None = None, mask=None) -> Tensor:
        """As :meth:`AttentionOperator.forward`, for heads of both kinds."""
        if q.dim() != 4 or q.shape[1] != self.heads:
            raise ConfigError(f"expected (batch, {self.heads} heads, tokens, width), got shape {tuple(q.shape)}")
        n = self.softmax_heads
        added = None if offset is None else offset[:n].unsqueeze(0)
        if mask is not None:
            hidden = torch.zeros_like(mask, dtype=q.dtype).masked_fill(~mask, -torch.inf).unsqueeze(1)
            added = hidden if added is None else added + hidden
        soft = F.scaled_dot_product_attention(q[:, :n], k[:, :n], v[:, :n], added, scale=scale)
        rest = None if offset is None else offset[n:]
        mine = self.operator(q[:, n:], k[:, n:], v[:, n:], scale=scale, offset=rest, mask=mask)
        return torch.cat([soft, mine], 1)

    def matrix(self, scores: Tensor) -> Tensor:
        """What stands before the values, written out: softmax of the first heads' scores, and the operator's."""
        n = self.softmax_heads
        return torch.cat([scores[:, :n].softmax(-1), self.operator.matrix(scores[:, n:])], 1)

    def extra_repr(self) -> str:
        return f"softmax_heads={self.softmax_heads}"
