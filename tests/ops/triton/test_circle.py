"""Cosines and sines in Triton's language, against NumPy's in float64."""

import numpy as np
import pytest
import torch

from tests.ops.triton_errors import needs_interpreter, needs_triton

triton = pytest.importorskip("triton")
tl = pytest.importorskip("triton.language")
circle = pytest.importorskip("edgewise.ops.triton.circle")
pytestmark = [needs_triton, needs_interpreter]


@triton.jit
def run(X, COSINE, SINE, COUNT: tl.constexpr):
    i = tl.arange(0, COUNT)
    cosine, sine = circle.cosine_and_sine(tl.load(X + i))
    tl.store(COSINE + i, cosine)
    tl.store(SINE + i, sine)


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1.5e-7), (torch.float64, 1e-15)])
def test_values_are_within_rounding(dtype, error):
    x = torch.cat([torch.linspace(-2.3, 2.3, 1000), torch.arange(-3, 3) / 8 + 1e4, torch.randn(17) * 1e5]).to(dtype)
    x = torch.cat([x, torch.tensor([float("nan")], dtype=dtype)])
    cosine, sine = torch.empty_like(x), torch.empty_like(x)
    run[1,](x, cosine, sine, len(x))
    exact = 2 * np.pi * np.remainder(x.double().numpy(), 1)
    np.testing.assert_allclose(cosine.numpy(), np.cos(exact), rtol=0, atol=error)
    np.testing.assert_allclose(sine.numpy(), np.sin(exact), rtol=0, atol=error)
