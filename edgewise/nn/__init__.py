"""Layers: drop-ins for ``nn.Linear`` and ``nn.Conv`` whose edges carry learnable functions."""

from edgewise.nn.conv import KANConv1d, KANConv2d, KANConv3d
from edgewise.nn.init import Balanced, EfficientKAN
from edgewise.nn.layer import EdgeLayer, edge_layers, parameter_kinds
from edgewise.nn.linear import KANLinear
from edgewise.nn.penalty import penalty, weight_penalty
from edgewise.nn.shared import SaKANConv1d, SaKANConv2d, SaKANConv3d, SaKANLinear
from edgewise.nn.sprecher import ActivationLinear, GainSaKANLinear, GSKANLinear, SprecherLinear

__all__ = [
    "ActivationLinear",
    "Balanced",
    "EdgeLayer",
    "EfficientKAN",
    "GSKANLinear",
    "GainSaKANLinear",
    "KANConv1d",
    "KANConv2d",
    "KANConv3d",
    "KANLinear",
    "SaKANConv1d",
    "SaKANConv2d",
    "SaKANConv3d",
    "SaKANLinear",
    "SprecherLinear",
    "edge_layers",
    "parameter_kinds",
    "penalty",
    "weight_penalty",
]
