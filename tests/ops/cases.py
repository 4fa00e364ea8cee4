"""Small layers of every kind that an op carries out, each with an input of its own."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from edgewise.bases import BSpline, Chebyshev, Fourier, GaussianRBF
from edgewise.nn import (
    FullRankAttention,
    GroupRational,
    KANConv1d,
    KANConv2d,
    KANConv3d,
    KANConvTranspose2d,
    KANLinear,
    LowRankAttention,
    SaKANConv2d,
    SaKANConv3d,
    SaKANLinear,
    SprecherLinear,
)
from edgewise.ops import backends_for

OWN_KNOTS = BSpline(4, 3, outside="clamp", knots="per-feature")

TANH = {"base": "tanh"}  # of which torch knows all derivatives; of silu it has no second one in forward mode


class SelfAttention(nn.Module):
    """An operator whose queries, keys and values are different functions of one input."""

    def __init__(self, operator: nn.Module):
        super().__init__()
        self.operator = operator

    def forward(self, x: Tensor) -> Tensor:
        return self.operator(x, x.sin(), x.cos())


LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "KANLinear": (lambda: KANLinear(5, 3), (7, 5)),
    "KANLinear, own knots": (lambda: KANLinear(5, 3, OWN_KNOTS, scale=True, bias=True, **TANH), (7, 5)),
    "KANLinear, Chebyshev": (lambda: KANLinear(5, 3, Chebyshev(4), scale=True, **TANH), (7, 5)),
    "KANLinear, Fourier": (lambda: KANLinear(5, 3, Fourier(3, (-2, 2), "clamp"), base=None), (7, 5)),
    "KANLinear, RBF": (lambda: KANLinear(5, 3, GaussianRBF(5), **TANH), (7, 5)),
    "SaKANLinear": (lambda: SaKANLinear(5, 3, **TANH), (7, 5)),
    "SaKANLinear, own knots": (lambda: SaKANLinear(5, 3, OWN_KNOTS, base="tanh"), (7, 5)),
    "SaKANLinear, Chebyshev": (lambda: SaKANLinear(5, 3, Chebyshev(4), **TANH), (7, 5)),
    "SprecherLinear": (lambda: SprecherLinear(5, 3, **TANH), (7, 5)),
    "KANConv1d": (lambda: KANConv1d(4, 6, 3, padding=1, groups=2, **TANH), (2, 4, 6)),
    "KANConv2d": (lambda: KANConv2d(4, 6, 3, padding=1, groups=2, scale=True, **TANH), (2, 4, 5, 4)),
    "KANConv2d, Chebyshev": (lambda: KANConv2d(4, 6, 3, stride=2, basis=Chebyshev(3), **TANH), (2, 4, 5, 4)),
    "KANConv3d": (lambda: KANConv3d(3, 2, 2, **TANH), (2, 3, 3, 4, 3)),
    "KANConvTranspose2d": (lambda: KANConvTranspose2d(4, 6, 3, stride=2, groups=2, **TANH), (2, 4, 3, 2)),
    "SaKANConv2d": (lambda: SaKANConv2d(4, 6, 3, padding=1, **TANH), (2, 4, 5, 4)),
    "SaKANConv2d, groups": (lambda: SaKANConv2d(4, 6, 3, groups=2, basis=OWN_KNOTS, **TANH), (2, 4, 5, 4)),
    "SaKANConv2d, depthwise": (lambda: SaKANConv2d(4, 4, 3, padding=1, groups=4, **TANH), (2, 4, 5, 4)),
    "SaKANConv2d, reflected": (lambda: SaKANConv2d(4, 6, 3, padding=1, padding_mode="reflect", **TANH), (2, 4, 5, 4)),
    "SaKANConv3d": (lambda: SaKANConv3d(3, 2, 2, **TANH), (2, 3, 3, 4, 3)),
    "GroupRational": (lambda: GroupRational(6, groups=2), (7, 6)),
    "GroupRational, degrees 3 and 2": (lambda: GroupRational(6, 3, (3, 2), reading="terms", shared=None), (7, 6)),
    "LowRankAttention": (lambda: SelfAttention(LowRankAttention(5, 2, rank=3, base="identity", bias=True)), (2, 2, 5, 4)),
    "LowRankAttention, B-splines": (lambda: SelfAttention(LowRankAttention(5, 2, BSpline(), rank=3)), (2, 2, 5, 4)),
    "FullRankAttention": (lambda: SelfAttention(FullRankAttention(5, 2)), (2, 2, 5, 4)),
}
EVERY_LAYER = pytest.mark.parametrize("name", LAYERS)
EVERY_BACKEND = pytest.mark.parametrize("backend", backends_for("cpu"))


def made(name: str) -> tuple[nn.Module, Tensor]:
    """The layer, no parameter of it zero, and its input; in float64."""
    torch.manual_seed(0)
    make, shape = LAYERS[name]
    layer = make().double()
    with torch.no_grad():
        for p in layer.parameters():
            p.add_(0.1 * torch.randn_like(p))
    return layer, torch.randn(shape, dtype=torch.float64)
