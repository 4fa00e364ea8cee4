"""Layers: drop-ins for ``nn.Linear`` and ``nn.Conv`` whose edges carry learnable functions."""

from edgewise.nn.conv import KANConv1d, KANConv2d, KANConv3d
from edgewise.nn.init import Balanced, EfficientKAN
from edgewise.nn.layer import EdgeLayer, edge_layers, parameter_kinds
from edgewise.nn.linear import KANLinear
from edgewise.nn.penalty import penalty, weight_penalty
from edgewise.nn.shared import SaKANConv1d, SaKANConv2d, SaKANConv3d, SaKANLinear

__all__ = [
    "Balanced",
    "EdgeLayer",
    "EfficientKAN",
    "KANConv1d",
    "KANConv2d",
    "KANConv3d",
    "KANLinear",
    "SaKANConv1d",
    "SaKANConv2d",
    "SaKANConv3d",
    "SaKANLinear",
    "edge_layers",
    "parameter_kinds",
    "penalty",
    "weight_penalty",
]
