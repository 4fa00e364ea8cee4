"""Layers made and run on the CPU while the default device is another one, with nothing kept from before."""

import pytest
import torch

from edgewise import nn as kan
from edgewise.bases import BSpline
from edgewise.bases.basis import _slopes_of
from edgewise.nn.init import _balance
from edgewise.nn.rational import rational_like
from edgewise.ops.native.tables import tables_of

LAYERS = {
    "linear": (lambda: kan.KANLinear(2, 3, BSpline(6, outside="linear"), device="cpu"), (4, 2)),
    "of efficient-KAN": (lambda: kan.KANLinear(2, 3, init=kan.EfficientKAN(), device="cpu"), (4, 2)),
    "conv": (lambda: kan.KANConv2d(2, 3, 3, padding=1, device="cpu"), (2, 2, 5, 4)),
    "shared": (lambda: kan.SaKANLinear(2, 3, device="cpu"), (4, 2)),
    "shared conv": (lambda: kan.SaKANConv2d(2, 3, 3, padding=1, device="cpu"), (2, 2, 5, 4)),
    "transposed": (lambda: kan.KANConvTranspose2d(2, 3, 3, stride=2, padding=1, device="cpu"), (2, 2, 5, 4)),
    "rational": (lambda: kan.GroupRational(8, start="gelu", device="cpu"), (4, 8)),
}


@pytest.fixture
def forget():
    def run():
        for kept in (_slopes_of, _balance, rational_like, tables_of):
            kept.cache_clear()

    return run


@pytest.mark.parametrize("name", LAYERS)
def test_the_default_device_changes_nothing(name, forget):
    make, shape = LAYERS[name]
    x = torch.randn(shape, requires_grad=True)

    def result():
        forget()
        torch.manual_seed(0)
        layer = make()
        if isinstance(layer, kan.KANLinear):
            kan.update_grid(layer, x.detach())
        y = layer(x)
        return y, *torch.autograd.grad(y.square().sum(), [x, *layer.parameters()])

    expected = result()
    with torch.device("meta"):
        found = result()
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
