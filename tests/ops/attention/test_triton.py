"""Attention of low rank on Triton's kernels, in its interpreter, against the definition in float64."""

import pytest
import torch

from edgewise import use_backend
from edgewise.bases import Chebyshev, Fourier
from edgewise.nn import LowRankAttention
from edgewise.ops.attention.triton import TritonRankAttention
from edgewise.testing import assert_within
from edgewise.testing.compare import gradients
from tests.ops.cases import SelfAttention
from tests.ops.triton_errors import needs_interpreter, needs_triton

pytestmark = [needs_triton, needs_interpreter]
CASES = [  # basis, base; images, heads, tokens, rank, width
    (Fourier(2), "zero", (2, 1, 5, 3, 4)),
    (Fourier(1, (-1, 2), "linear"), "silu", (1, 1, 17, 2, 3)),
    (Chebyshev(2, outside="clamp"), "gelu", (1, 2, 1, 1, 1)),
    (Chebyshev(2, (-1, 2), "linear"), "identity", (1, 1, 3, 1, 17)),
    (Chebyshev(3, outside="grow"), "zero", (1, 1, 17, 17, 18)),
]


@pytest.fixture(autouse=True)
def sums(monkeypatch):
    """Each test has to run the kernels."""
    run = []
    original = TritonRankAttention._functions
    monkeypatch.setattr(TritonRankAttention, "_functions", lambda *args: run.append(args) or original(*args))
    yield
    assert run, "no kernel was run: this test saw another backend"


def made(basis, base, sizes, dtype=torch.float64):
    torch.manual_seed(0)
    images, heads, tokens, rank, width = sizes
    operator = LowRankAttention(tokens, heads, basis, rank, base=base, bias=base == "silu", dtype=dtype)
    with torch.no_grad():
        for p in operator.parameters():
            p.add_(0.1 * torch.randn_like(p))
    return SelfAttention(operator), torch.randn(images, heads, tokens, width, dtype=dtype)


@pytest.mark.parametrize(("basis", "base", "sizes"), CASES, ids=str)
def test_equals_the_definition_in_all_derivatives(basis, base, sizes):
    module, x = made(basis, base, sizes)
    with use_backend("reference"):
        expected = gradients(module, x)
    with use_backend("triton"):
        found = gradients(module, x)
    for name, value in expected.items():
        assert_within(found[name], value, 1e-9)


@pytest.mark.parametrize(("dtype", "relative"), [(torch.float32, 1e-6), (torch.float16, 2e-3), (torch.bfloat16, 2e-2)])
def test_less_precise_numbers(dtype, relative):
    """The interpreter cuts digits off where it makes bfloat16."""
    module, x = made(Fourier(3), "zero", (1, 1, 3, 2, 4), dtype)
    exact = SelfAttention(LowRankAttention(3, 1, Fourier(3), 2, dtype=torch.float64))
    exact.load_state_dict(module.state_dict())
    outputs = []
    for backend, one, given in (("triton", module, x), ("reference", exact, x.double())):
        with use_backend(backend):
            given = given.requires_grad_()
            y = one(given)
            outputs.append([y, *torch.autograd.grad(y.square().sum(), [given, *one.parameters()], materialize_grads=True)])
    for found, expected in zip(*outputs, strict=True):
        assert found.dtype == dtype
        assert_within(found.double(), expected, relative)
