"""Attention that learns its functions: operators that stand where softmax stood."""

from edgewise.nn.attention.hybrid import HybridAttention
from edgewise.nn.attention.init import KeepVariance, Published
from edgewise.nn.attention.operator import AttentionOperator, FullRankAttention
from edgewise.nn.attention.ranked import (
    ATTENTION_OPERATORS,
    ComposedAttention,
    LowRankAttention,
    ProjectedAttention,
)

__all__ = [
    "ATTENTION_OPERATORS",
    "AttentionOperator",
    "ComposedAttention",
    "FullRankAttention",
    "HybridAttention",
    "KeepVariance",
    "LowRankAttention",
    "ProjectedAttention",
    "Published",
]
