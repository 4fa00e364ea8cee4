"""KAN convolutions on Triton's kernels, against the definition in float64."""

import pytest
import torch

from edgewise import use_backend
from edgewise.bases import BSpline
from edgewise.nn import KANConv1d, KANConv2d, KANConv3d
from edgewise.ops.kan.triton_conv import ConvSum
from edgewise.testing import assert_within
from edgewise.testing.compare import gradients
from tests.ops.triton_errors import assert_near, needs_interpreter, needs_triton

pytestmark = needs_triton
OWN = BSpline(1, 2, outside="clamp", knots="per-feature")
SMALL = BSpline(1, 2)
LAYERS = {
    "conv1d, groups": (lambda: KANConv1d(4, 6, 2, basis=OWN, groups=2, dilation=2, scale=True), (1, 4, 6)),
    "conv2d, silent": (
        lambda: KANConv2d(2, 3, 2, stride=2, padding=1, padding_mode="silent", basis=SMALL, base=None),
        (2, 2, 4, 3),
    ),
    "conv2d, reflected": (
        lambda: KANConv2d(1, 2, (2, 1), padding=1, padding_mode="reflect", basis=SMALL, grad_free=True),
        (1, 1, 3, 3),
    ),
    "conv2d, padded": (lambda: KANConv2d(2, 1, (1, 2), padding=1, basis=BSpline(1, 1)), (1, 2, 2, 2)),
    "conv3d": (lambda: KANConv3d(1, 2, (1, 2, 1), basis=BSpline(1, 1)), (1, 1, 2, 3, 2)),
}


@pytest.fixture(autouse=True)
def kernels_run(monkeypatch):
    """Each test has to run a kernel, but may not be left to another backend."""
    called = []
    run = ConvSum._launches
    monkeypatch.setattr(ConvSum, "_launches", lambda *operands: called.append(1) or run(*operands))
    yield
    assert called, "no kernel was run: this test saw another backend"


def made(name, dtype=torch.float32):
    torch.manual_seed(0)
    make, shape = LAYERS[name]
    layer = make().to(dtype)
    with torch.no_grad():
        for p in layer.parameters():
            p.add_(0.1 * torch.randn_like(p))
    return layer, torch.randn(shape).to(dtype)


@pytest.mark.parametrize("name", LAYERS)
def test_equals_the_definition(name):
    assert_near(*made(name), 1e-6)


def test_half_precision():
    assert_near(*made("conv3d", torch.float16), 2e-3)


@needs_interpreter
def test_second_derivatives():
    layer, x = made("conv3d", torch.float64)
    with use_backend("reference"):
        expected = gradients(layer, x)
    with use_backend("triton"):
        found = gradients(layer, x)
    for name, value in expected.items():
        assert_within(found[name], value, 1e-10)
