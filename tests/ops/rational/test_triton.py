"""Rational functions on Triton's kernels, in its interpreter, against the definition in float64."""

import pytest
import torch

from edgewise import use_backend
from edgewise.nn import GroupRational
from edgewise.ops.rational.definition import READINGS, group_rational
from edgewise.ops.rational.triton import TritonRational
from edgewise.testing import assert_within
from edgewise.testing.compare import gradients
from tests.ops.triton_errors import needs_interpreter, needs_triton

triton_kernels = pytest.importorskip("edgewise.ops.rational.triton_kernels", exc_type=ImportError)
pytestmark = [needs_triton, needs_interpreter]

TILE, ROUNDS = triton_kernels.TILE, triton_kernels.ROUNDS
CASES = [((1, 1), 1, (5, 4)), ((9, 10), 2, (5, 4)), ((2, 5, 9), 1, (1, 3)), ((3, 66), 2, (3, 2)), ((70, 3), 3, (2, 1))]
EDGES = [0.0, -0.0, 1e-45, 1e-38, -1e-20, 1.0, 65536.0, -65540.0, 1e8, -1e20, 1e30, -1e35]


@pytest.fixture(autouse=True)
def launched(monkeypatch):
    """Each test has to run a kernel; small tiles, so that few numbers are many tiles."""
    launches = []
    original = triton_kernels._launched
    monkeypatch.setattr(triton_kernels, "_launched", lambda *args: launches.append(args) or original(*args))
    monkeypatch.setattr(triton_kernels, "TILE", 32)
    monkeypatch.setattr(triton_kernels, "ROUNDS", 2)
    yield monkeypatch
    assert launches, "no kernel was run: this test saw another backend"


def found_and_expected(x, a, b, reading, gradient):
    """Values and gradients of x, a and b, by the kernels and by the definition in float64."""
    operands = [t.clone().requires_grad_() for t in (x, a, b)]
    y = TritonRational(reading)(*operands)
    found = y, *torch.autograd.grad(y, operands, gradient)
    wide = [t.double().requires_grad_() for t in (x, a, b)]
    y = group_rational(*wide, reading)
    return found, (y, *torch.autograd.grad(y, wide, gradient.double()))


def operands(shape, groups, degrees, dtype=torch.float32):
    torch.manual_seed(0)
    x, gradient = torch.randn(shape), torch.randn(shape)
    a, b = 0.3 * torch.randn(groups, degrees[0] + 1), 0.3 * torch.randn(groups, degrees[1])
    return tuple(t.to(dtype) for t in (x, a, b, gradient))


@pytest.mark.parametrize(("shape", "groups", "degrees"), CASES)
def test_equals_the_definition(shape, groups, degrees):
    x, a, b, gradient = operands(shape, groups, degrees)
    reading = READINGS[groups % 2]
    for found, expected in zip(*found_and_expected(x, a, b, reading, gradient), strict=True):
        assert found.dtype == torch.float32
        assert_within(found.double(), expected, 1e-6)


def test_tiles_as_they_are_on_a_gpu(launched):
    launched.setattr(triton_kernels, "TILE", TILE)
    launched.setattr(triton_kernels, "ROUNDS", ROUNDS)
    x, a, b, gradient = operands((75, 7), 1, (5, 4))
    for found, expected in zip(*found_and_expected(x, a, b, "sum", gradient), strict=True):
        assert_within(found.double(), expected, 1e-6)


@pytest.mark.parametrize("reading", READINGS)
def test_no_size_of_input_overflows(reading):
    layer = GroupRational(1, groups=1, reading=reading)
    x = torch.tensor(EDGES).unsqueeze(1)
    a, b = (p.detach() for p in layer.parameters())
    found, expected = found_and_expected(x, a, b, reading, torch.ones_like(x))
    for pointwise in (0, 1):
        torch.testing.assert_close(found[pointwise].double(), expected[pointwise], rtol=2e-6, atol=1e-37)
    for sums in (2, 3):
        assert_within(found[sums].double(), expected[sums], 1e-6)


def test_powers_without_coefficients_do_not_count():
    layer = GroupRational(1, groups=1, start="identity")
    x = torch.tensor(EDGES).unsqueeze(1)
    with use_backend("triton"):
        assert_within(layer(x), x, 0.0)


@pytest.mark.parametrize(("dtype", "relative"), [(torch.float16, 1e-3), (torch.bfloat16, 1e-2)])
def test_halves_are_computed_in_float32(dtype, relative):
    """The interpreter cuts digits off where it makes bfloat16, so that it is one unit in the last place away."""
    x, a, b, gradient = operands((9, 10), 2, (5, 4), dtype)
    for found, expected in zip(*found_and_expected(x, a, b, "sum", gradient), strict=True):
        assert found.dtype == dtype
        assert_within(found.double(), expected, relative)


def test_parameters_may_be_of_another_dtype():
    x, a, b, gradient = operands((9, 8), 2, (5, 4))
    y, dx, da, db = found_and_expected(x.half(), a, b, "sum", gradient.half())[0]
    assert (y.dtype, dx.dtype, da.dtype, db.dtype) == (torch.float16, torch.float16, torch.float32, torch.float32)


@pytest.mark.parametrize("reading", READINGS)
def test_layer_equals_the_definition_in_all_derivatives(reading):
    layer = GroupRational(6, 3, (3, 2), reading=reading, shared=None, dtype=torch.float64)
    x = torch.randn(2, 7, 6, dtype=torch.float64).transpose(0, 1)
    with use_backend("reference"):
        expected = gradients(layer, x)
    with use_backend("triton"):
        found = gradients(layer, x)
    for name, value in expected.items():
        assert_within(found[name], value, 1e-10)


def test_a_second_run_gives_the_same_bits():
    x, a, b, gradient = operands((40, 2), 1, (5, 4))
    for first, second in zip(*(triton_kernels.backward(gradient, x, a, b, True) for _ in range(2)), strict=True):
        assert torch.equal(first, second)


def test_nan_stays_where_it_is_and_nothing_gives_nothing():
    x, a, b, _ = operands((40, 4), 2, (5, 4))
    x[3, 1] = float("nan")
    assert triton_kernels.forward(x, a, b, False).isnan().nonzero().tolist() == [[3, 1]]
    none = x[:0]
    dx, da, db = triton_kernels.backward(none, none, a, b, False)
    assert dx.shape == (0, 4)
    assert not da.any()
    assert not db.any()
