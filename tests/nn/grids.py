"""Layers whose grids move, and how much their functions change."""

import copy

import torch
from torch import Tensor, nn

from edgewise.bases import BSpline
from edgewise.nn import (
    KANConv1d,
    KANConv2d,
    KANConv3d,
    KANLinear,
    SaKANConv2d,
    SaKANLinear,
)

F64 = torch.float64
LAYERS = {
    "linear": (lambda b, d: KANLinear(4, 3, b, scale=True, dtype=d), (200, 4)),
    "conv1d": (lambda b, d: KANConv1d(4, 6, 3, padding=1, groups=2, basis=b, scale=True, dtype=d), (8, 4, 20)),
    "conv2d": (lambda b, d: KANConv2d(4, 2, (2, 3), basis=b, dtype=d), (4, 4, 6, 7)),
    "conv3d": (lambda b, d: KANConv3d(4, 4, 2, groups=4, basis=b, dtype=d), (2, 4, 4, 4, 3)),
    "shared": (lambda b, d: SaKANLinear(4, 3, b, dtype=d), (200, 4)),
    "shared2d": (lambda b, d: SaKANConv2d(4, 6, 3, padding=1, groups=2, basis=b, dtype=d), (4, 4, 6, 7)),
}


def random_layer(kind: str, basis: BSpline, dtype=F64) -> tuple[nn.Module, tuple[int, ...]]:
    make, shape = LAYERS[kind]
    layer = make(basis, dtype)
    with torch.no_grad():
        for p in layer.parameters():
            p.normal_()
        if layer.base_weight is not None:
            layer.base_weight.zero_()  # what is measured is the splines
    return layer, shape


def outputs(layer: nn.Module, x: Tensor) -> Tensor:
    """In float64, whatever the numbers are stored in."""
    return copy.deepcopy(layer).double()(x.double()).detach()


def change(after: Tensor, before: Tensor) -> float:
    """Largest change relative to the rms."""
    return ((after - before).abs().max() / before.square().mean().sqrt()).item()


def uniform(shape, lo=-1.0, hi=1.0) -> Tensor:
    return lo + (hi - lo) * torch.rand(shape, dtype=F64)


def cubic(layer: KANLinear) -> None:
    """Make every edge a random cubic."""
    basis = layer.edge.basis
    t = torch.linspace(-1, 1, 21, dtype=F64)
    knots = {name: value.double() for name, value in layer.state.tensors().items()}
    values = basis.evaluate(t.unsqueeze(-1).expand(-1, layer.in_features), knots).transpose(0, 1)
    powers = t.unsqueeze(-1) ** torch.arange(4)
    target = (powers @ torch.randn(4, layer.in_features * layer.out_features, dtype=F64)).view(21, layer.in_features, -1)
    with torch.no_grad():
        layer.coef.copy_(torch.linalg.pinv(values) @ target.transpose(0, 1))
