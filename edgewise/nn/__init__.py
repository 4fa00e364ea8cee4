"""Layers: drop-ins for ``nn.Linear`` and ``nn.Conv`` whose edges carry learnable functions."""

from edgewise.nn.attention import (
    ATTENTION_OPERATORS,
    AttentionOperator,
    ComposedAttention,
    FullRankAttention,
    HybridAttention,
    KeepVariance,
    LowRankAttention,
    ProjectedAttention,
    Published,
)
from edgewise.nn.conv import KANConv1d, KANConv2d, KANConv3d
from edgewise.nn.conv_block import BottleneckKANConv1d, BottleneckKANConv2d, BottleneckKANConv3d, ConvBlock
from edgewise.nn.conv_transpose import KANConvTranspose1d, KANConvTranspose2d, KANConvTranspose3d
from edgewise.nn.grid import refine_grid, update_grid
from edgewise.nn.init import Balanced, EfficientKAN
from edgewise.nn.layer import EdgeLayer, edge_layers, parameter_kinds
from edgewise.nn.linear import KANLinear
from edgewise.nn.penalty import penalty, weight_penalty
from edgewise.nn.rational import GroupRational, rational_like
from edgewise.nn.shared import SaKANLinear
from edgewise.nn.shared_conv import SaKANConv1d, SaKANConv2d, SaKANConv3d
from edgewise.nn.sprecher import ActivationLinear, GainSaKANLinear, GSKANLinear, SprecherLinear

__all__ = [
    "ATTENTION_OPERATORS",
    "ActivationLinear",
    "AttentionOperator",
    "Balanced",
    "BottleneckKANConv1d",
    "BottleneckKANConv2d",
    "BottleneckKANConv3d",
    "ComposedAttention",
    "ConvBlock",
    "EdgeLayer",
    "EfficientKAN",
    "FullRankAttention",
    "GSKANLinear",
    "GainSaKANLinear",
    "GroupRational",
    "HybridAttention",
    "KANConv1d",
    "KANConv2d",
    "KANConv3d",
    "KANConvTranspose1d",
    "KANConvTranspose2d",
    "KANConvTranspose3d",
    "KANLinear",
    "KeepVariance",
    "LowRankAttention",
    "ProjectedAttention",
    "Published",
    "SaKANConv1d",
    "SaKANConv2d",
    "SaKANConv3d",
    "SaKANLinear",
    "SprecherLinear",
    "edge_layers",
    "parameter_kinds",
    "penalty",
    "rational_like",
    "refine_grid",
    "update_grid",
    "weight_penalty",
]
