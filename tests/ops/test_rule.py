"""The rule of which kernel serves which layer."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from edgewise import use_backend
from edgewise.bases import BSpline, Chebyshev, GaussianRBF
from edgewise.nn import GroupRational, KANConv2d, KANLinear, LowRankAttention, SaKANConv2d, SaKANLinear
from tests.ops.cases import SelfAttention

pytestmark = pytest.mark.usefixtures("kernels")


class Called(TorchDispatchMode):
    """Names of our operators that were called."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.namespace == "edgewise":
            self.names.add(func.name().split("::")[1])
        return func(*args, **(kwargs or {}))


RULE = [
    (KANLinear(4, 3), (5, 4), {"edge_sum"}),
    (KANConv2d(4, 6, 3), (2, 4, 5, 5), {"edge_sum"}),
    (KANConv2d(4, 4, 1, groups=4, stride=2, basis=BSpline(1, 1)), (2, 4, 5, 5), {"edge_sum"}),
    (SaKANConv2d(4, 6, 3), (2, 4, 5, 5), {"sakan_mixed"}),
    (SaKANConv2d(4, 4, 3, groups=4), (2, 4, 5, 5), {"sakan_depthwise"}),
    (SaKANConv2d(4, 4, 3, padding=1, padding_mode="reflect"), (2, 4, 5, 5), set()),
    (KANLinear(4, 3, Chebyshev(3)), (5, 4), {"global_sum"}),
    (KANConv2d(4, 6, 3, basis=Chebyshev(3)), (2, 4, 5, 5), set()),
    (KANLinear(4, 3, BSpline(5, 0)), (5, 4), set()),
    (KANLinear(4, 3, base=torch.sin), (5, 4), set()),
    (SaKANLinear(4, 3), (5, 4), {"sakan_mixed"}),
    (GroupRational(6, groups=2), (5, 6), {"rational"}),
    (GroupRational(6, 2, (3, 2)), (5, 6), set()),
    (SelfAttention(LowRankAttention(5, 2, rank=3)), (2, 2, 5, 4), {"rank_attention"}),
    (SelfAttention(LowRankAttention(5, 2, BSpline(), rank=3)), (2, 2, 5, 4), {"edge_sum"}),
]


@pytest.mark.parametrize(("layer", "shape", "names"), RULE, ids=lambda value: str(value)[:40])
def test_the_rule_of_which_kernel_serves(layer, shape, names):
    """By cell wherever the basis has cells: it was the faster way on every shape (docs/kernels.md)."""
    with use_backend("native"), Called() as called, torch.no_grad():
        layer(torch.randn(shape))
    assert called.names == names


def test_other_bases_go_to_the_lean_backend():
    layer, x = KANLinear(4, 3, GaussianRBF(5)), torch.randn(6, 4)
    with use_backend("native"):
        found = layer(x)
    with use_backend("lean"):
        assert torch.equal(found, layer(x))
