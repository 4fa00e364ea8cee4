"""A self-attention of timm's, with its softmax taken out."""

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.models.timm_parts import Attention
from edgewise.nn import AttentionOperator, HybridAttention

Operator = AttentionOperator | HybridAttention


class KANSelfAttention(nn.Module):
    """A self-attention of timm's with an operator in place of softmax; its parts keep their names in ``state_dict``.

    Args:
        source: timm's, which gives up its parts.
        operator: Stands where softmax stood. A shared one is registered by the network, not here.
        shared: Whether it is.

    Raises:
        ConfigError: Dropout on the attention, which a sum that never forms the attention cannot carry out.
    """

    qkv: nn.Linear
    q_norm: nn.Module
    k_norm: nn.Module
    norm: nn.Module
    gate: nn.Module | None
    proj: nn.Linear
    proj_drop: nn.Module
    relative_position_index: Tensor  # of Swin's only

    def __init__(self, source: Attention, operator: Operator, shared: bool):
        super().__init__()
        if source.attn_drop.p > 0:
            raise ConfigError(f"attention dropout must be 0 where the attention is never formed, got {source.attn_drop.p}")
        for name in ("q_norm", "k_norm", "norm"):
            self.add_module(name, nn.Identity())
        self.register_module("gate", None)
        for name, child in source.named_children():
            if name not in ("attn_drop", "softmax"):
                self.add_module(name, child)
        for name, parameter in source.named_parameters(recurse=False):
            self.register_parameter(name, parameter)
        for name, buffer in source.named_buffers(recurse=False):
            self.register_buffer(name, buffer, persistent=name not in source._non_persistent_buffers_set)
        self.num_heads, self.scale = source.num_heads, source.scale
        self._held = (operator,)  # a tuple does not register it
        if not shared:
            self.operator_ = operator

    @property
    def operator(self) -> Operator:
        """What stands where softmax stood."""
        return self._held[0]

    def forward(self, x: Tensor, attn_mask: Tensor | None = None, is_causal: bool = False, mask: Tensor | None = None):
        q, k, v = self._heads(x)
        seen = self._seen(x, attn_mask, is_causal, mask)
        y = self.operator(q, k, v, scale=self.scale, offset=self._offset(), mask=seen)
        y = self.norm(y.transpose(1, 2).flatten(2))
        if self.gate is not None:
            y = y * self.gate(x).sigmoid()
        return self.proj_drop(self.proj(y))

    def scores(self, x: Tensor) -> Tensor:
        """What meets the functions: ``(b, heads, N, N)``, written out."""
        q, k, _ = self._heads(x)
        scores, offset = (q * self.scale) @ k.mT, self._offset()
        return scores if offset is None else scores + offset

    def matrix(self, x: Tensor) -> Tensor:
        """What multiplies the values: ``(b, heads, N, N)``, written out."""
        return self.operator.matrix(self.scores(x))

    def _heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        return self.q_norm(q), self.k_norm(k), v

    def _offset(self) -> Tensor | None:
        """The bias for relative positions that Swin adds to its scores, ``(heads, N, N)``."""
        table: Tensor | None = getattr(self, "relative_position_bias_table", None)
        if table is None:
            return None
        index = self.relative_position_index
        return table[index.flatten()].unflatten(0, index.shape).permute(2, 0, 1)

    def _seen(self, x: Tensor, attn_mask: Tensor | None, is_causal: bool, windows: Tensor | None) -> Tensor | None:
        b, n, _ = x.shape
        if windows is not None:  # Swin's, 0 where seen, of the windows of one image
            return (windows == 0).repeat(b // len(windows), 1, 1)
        if is_causal:
            return torch.ones(n, n, dtype=torch.bool, device=x.device).tril().expand(b, n, n)
        if attn_mask is None:
            return None
        if attn_mask.dtype != torch.bool or (attn_mask.dim() == 4 and attn_mask.shape[1] != 1):
            raise ConfigError(
                f"learnable functions honour boolean masks that are the same for all heads, got {attn_mask.dtype} "
                f"{tuple(attn_mask.shape)}: there is no softmax to which minus infinity could be added"
            )
        return attn_mask.reshape(-1, *attn_mask.shape[-2:]).expand(b, n, n)
