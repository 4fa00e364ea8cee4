"""Layers with shared functions on Triton's kernels, against the definition in float64."""

import pytest
import torch

from edgewise import use_backend
from edgewise.bases import BSpline
from edgewise.nn import SaKANConv1d, SaKANConv2d, SaKANConv3d, SaKANLinear
from edgewise.ops.sakan import triton as ops
from edgewise.testing import assert_within
from edgewise.testing.compare import gradients
from tests.ops.triton_errors import assert_near, needs_interpreter, needs_triton

pytestmark = needs_triton
OWN = BSpline(2, 2, outside="clamp", knots="per-feature")
SMALL = BSpline(2, 2)
LAYERS = {
    "linear": (lambda: SaKANLinear(5, 3), (7, 5)),
    "linear, own knots": (lambda: SaKANLinear(17, 2, OWN, base=None), (2, 17)),
    "conv1d, groups": (lambda: SaKANConv1d(4, 6, 3, basis=OWN, groups=2, dilation=2), (1, 4, 7)),
    "conv2d, silent": (
        lambda: SaKANConv2d(3, 2, 3, stride=2, padding=1, padding_mode="silent", basis=SMALL),
        (2, 3, 5, 4),
    ),
    "conv2d, reflected": (
        lambda: SaKANConv2d(2, 2, (3, 2), padding=1, padding_mode="reflect", basis=SMALL, grad_free=True),
        (1, 2, 4, 3),
    ),
    "conv3d": (lambda: SaKANConv3d(2, 3, 2, basis=BSpline(1, 1)), (1, 2, 2, 3, 2)),
}


@pytest.fixture(autouse=True)
def kernels_run(monkeypatch):
    """Each test has to run a kernel, but may not be left to another backend."""
    called = []
    run = ops.SharedFunctions._sum
    monkeypatch.setattr(ops.SharedFunctions, "_sum", lambda *operands: called.append(1) or run(*operands))
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


@pytest.mark.parametrize(("dtype", "most"), [(torch.float16, 2e-3), (torch.bfloat16, 2e-2)])
def test_half_precision(dtype, most):
    assert_near(*made("linear", dtype), most)


@needs_interpreter
def test_second_derivatives():
    layer, x = made("linear", torch.float64)
    with use_backend("reference"):
        expected = gradients(layer, x)
    with use_backend("triton"):
        found = gradients(layer, x)
    for name, value in expected.items():
        assert_within(found[name], value, 1e-10)


@needs_interpreter
def test_autocast_lowers_the_last_product():
    layer, x = made("conv3d")
    exact = layer(x).detach()
    with use_backend("triton"), torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    assert_within(y.float(), exact, 3e-2)
    y.float().square().sum().backward()
    assert all(p.grad is not None and p.grad.dtype == p.dtype for p in layer.parameters())
