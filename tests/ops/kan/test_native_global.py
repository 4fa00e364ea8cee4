"""Chebyshev polynomials and Fourier series on the compiled recurrences."""

import math

import numpy as np
import pytest
import torch

from edgewise import use_backend
from edgewise.bases import Chebyshev, Fourier
from edgewise.nn import KANLinear
from edgewise.testing import assert_same_everywhere, assert_within

pytestmark = pytest.mark.usefixtures("kernels_run")
BASES = [
    *(Chebyshev(degree, (-1, 2), outside) for degree in (1, 2, 9) for outside in ("grow", "clamp", "linear")),
    Chebyshev(0),
    *(Fourier(count, (-2, 3), outside) for count in (1, 7) for outside in ("repeat", "clamp", "linear")),
]
SHAPES = [(1, 1, 1), (5, 17, 3), (300, 16, 33), (1025, 3, 2), (0, 4, 4)]  # about vectors, chunks and threads


@pytest.mark.parametrize("basis", BASES, ids=str)
def test_equals_the_definition(basis, kernels_run):
    for rows, ins, outs in SHAPES:
        layer = KANLinear(ins, outs, basis, scale=rows % 2 == 1, grad_free=outs == 33, dtype=torch.float64)
        x = torch.randn(rows, ins, dtype=torch.float64)
        if rows:
            x[0, 0] = basis.domain[1]
        assert_same_everywhere(layer, x)
    assert {"global_sum", "global_sum_backward"} <= kernels_run


@pytest.mark.parametrize("base", ["gelu", "identity", None])
def test_base_functions(base):
    assert_same_everywhere(
        KANLinear(5, 4, Chebyshev(3), base=base, dtype=torch.float64), torch.randn(9, 5, dtype=torch.float64)
    )


def test_the_recurrences_are_the_polynomials_and_series():
    """Against numpy's polynomials and whole multiples of the angle, at degrees where a recurrence could go astray."""
    x = torch.linspace(-1, 1, 101, dtype=torch.float64).unsqueeze(1)
    cheb, four = Chebyshev(40, outside="grow"), Fourier(40, (-1, 1))
    layers = [KANLinear(1, basis.num_functions, basis, base=None, dtype=torch.float64) for basis in (cheb, four)]
    with torch.no_grad(), use_backend("native"):
        for layer in layers:
            layer.coef.copy_(torch.eye(layer.out_features).unsqueeze(0))
        found = [layer(x) for layer in layers]
    assert_within(found[0], torch.from_numpy(np.polynomial.chebyshev.chebvander(x[:, 0].numpy(), 40)), 1e-12)
    angles = math.pi * x * torch.arange(1, 41)
    assert_within(found[1], torch.cat([angles.cos(), angles.sin()], 1), 1e-12)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30])
@pytest.mark.parametrize(
    "basis", [Chebyshev(3), Chebyshev(3, outside="linear"), Fourier(2), Fourier(2, outside="clamp")], ids=str
)
def test_any_number_is_a_legal_input(value, basis):
    layer = KANLinear(2, 3, basis, base="tanh", dtype=torch.float64)
    x = torch.tensor([[0.3, -0.2], [value, 0.1]], dtype=torch.float64)
    with use_backend("reference"):
        expected = layer(x)
    with use_backend("native"):
        found = layer(x)
    assert_within(found[0], expected[0], 1e-12)
    if not (isinstance(basis, Fourier) and basis.outside == "repeat" and value == 1e30):  # whose angle has no digits left
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10, equal_nan=True)


def test_bfloat16_is_stored_and_not_computed_in():
    layer, x = KANLinear(64, 8, Chebyshev(5)).bfloat16(), torch.randn(20, 64).bfloat16()
    with use_backend("native"):
        found = layer(x)
    with use_backend("reference"):
        expected = layer.double()(x.double())
    assert found.dtype == torch.bfloat16
    assert_within(found.double(), expected, 2**-8)


def test_the_same_bits_each_time():
    layer, x = KANLinear(40, 30, Fourier(5)), torch.randn(700, 40, requires_grad=True)

    def all_of_it():
        y = layer(x)
        return [y, *torch.autograd.grad(y.square().sum(), [x, *layer.parameters()])]

    with use_backend("native"):
        first = all_of_it()
        assert all(map(torch.equal, first, all_of_it()))


def test_wrong_operands_are_refused():
    x, coef = torch.zeros(3, 2), torch.zeros(2, 3, 4)
    with pytest.raises(ValueError, match="as many sines as cosines, got 3"):
        torch.ops.edgewise.global_sum(x, coef, None, None, 1, -1.0, 1.0, 0, 0, False)
    with pytest.raises(ValueError, match=r"x must be \(rows, channels\)"):
        torch.ops.edgewise.global_sum(x[0], coef, None, None, 0, -1.0, 1.0, 0, 0, False)
    with pytest.raises(TypeError, match="cast one"):
        torch.ops.edgewise.global_sum(x.double(), coef, None, None, 0, -1.0, 1.0, 0, 0, False)
