import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from edgewise import EdgewiseError
from edgewise.analysis import live_bytes, saved_bytes
from edgewise.nn import GroupRational, rational_like
from edgewise.ops import chunks, use_backend

READINGS = ("sum", "terms")


def drawn(reading="sum", shared=None, degrees=(5, 4), channels=24, groups=3, dtype=torch.float64):
    torch.manual_seed(0)
    layer = GroupRational(channels, groups, degrees, reading=reading, shared=shared, start="identity", dtype=dtype)
    with torch.no_grad():
        for p in layer.parameters():
            p.normal_()
    return layer


def written_out(layer, x):
    """The two formulas, term by term."""
    groups = x.unflatten(-1, (layer.groups, -1))
    a, b = layer.numerator.unsqueeze(1), layer.denominator.unsqueeze(1)
    top = sum(a[..., j] * groups**j for j in range(a.shape[-1]))
    terms = [b[..., j - 1] * groups**j for j in range(1, b.shape[-1] + 1)]
    below = sum(terms).abs() if layer.reading == "sum" else sum(t.abs() for t in terms)
    return (top / (1 + below)).flatten(-2)


@pytest.fixture(params=["native", "lean"])
def _backend(request, monkeypatch):
    monkeypatch.setattr(chunks, "ON_CPU", 4000)  # several chunks
    with use_backend(request.param):
        yield


@pytest.mark.usefixtures("_backend")
@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("shared", ["numerator", "denominator", None])
@pytest.mark.parametrize("degrees", [(5, 4), (3, 2)], ids=str)
def test_equals_the_formula_in_values_and_gradients(reading, shared, degrees):
    layer = drawn(reading, shared, degrees)
    x = torch.randn(2, 37, 24, dtype=torch.float64, requires_grad=True)
    y, expected = layer(x), written_out(layer, x)
    torch.testing.assert_close(y, expected, rtol=1e-12, atol=1e-12)
    wanted, gradient = [x, *layer.parameters()], torch.randn_like(y)
    found, oracle = (torch.autograd.grad(out, wanted, gradient) for out in (y, expected))
    for a, b in zip(found, oracle, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.usefixtures("_backend")
@pytest.mark.parametrize("channels", [3, 21, 51])
def test_groups_that_are_no_whole_vectors(channels):
    layer = drawn(channels=channels)
    x = torch.randn(40, channels, dtype=torch.float64, requires_grad=True)
    for out in (layer(x), written_out(layer, x)):
        layer.zero_grad()
        out.square().sum().backward()
        torch.testing.assert_close(out, written_out(layer, x), rtol=1e-12, atol=1e-12)
    found = [p.grad for p in layer.parameters()]
    torch.testing.assert_close(found, list(torch.autograd.grad(written_out(layer, x).square().sum(), layer.parameters())))


@pytest.mark.parametrize("reading", READINGS)
def test_second_derivatives_by_finite_differences(reading):
    layer = drawn(reading)
    x = torch.rand(3, 24, dtype=torch.float64, requires_grad=True)

    def run(x, a, b):
        return torch.func.functional_call(layer, {"numerator": a, "denominator": b}, x)

    inputs = (x, layer.numerator, layer.denominator)
    assert torch.autograd.gradcheck(run, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(run, inputs, fast_mode=True)


@pytest.mark.usefixtures("_backend")
@pytest.mark.parametrize("reading", READINGS)
def test_coefficient_gradients_in_float32(reading, monkeypatch):
    monkeypatch.setattr(chunks, "ON_CPU", 4 << 20)
    torch.manual_seed(0)
    layer = GroupRational(512, reading=reading)
    x, gradient = torch.randn(8000, 512), torch.randn(8000, 512)
    exact = copy.deepcopy(layer).double()
    found = torch.autograd.grad(layer(x), layer.parameters(), gradient)
    oracle = torch.autograd.grad(exact(x.double()), exact.parameters(), gradient.double())
    for a, b in zip(found, oracle, strict=True):
        assert (a - b).norm() < 1e-6 * b.norm()


def test_the_same_gradient_whatever_the_threads():
    layer, x, threads = drawn(dtype=torch.float32), torch.randn(999, 24), torch.get_num_threads()
    found = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            found.append(torch.autograd.grad(layer(x).square().sum(), layer.parameters()))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for other in found[1:] for a, b in zip(found[0], other, strict=True))


def test_saves_its_input_alone():
    x = torch.randn(100, 64, requires_grad=True)
    assert saved_bytes(GroupRational(64), x) == x.nbytes
    assert live_bytes(GroupRational(64), x) == x.nbytes


@pytest.mark.parametrize(
    ("start", "function", "near"),
    [
        ("identity", lambda x: x, 1e-6),
        ("silu", nn.functional.silu, 3e-4),
        ("gelu", nn.functional.gelu, 5e-3),
        ("relu", torch.relu, 0.07),
    ],
)
@pytest.mark.parametrize("reading", READINGS)
def test_starts_like_a_known_activation(start, function, near, reading):
    x = torch.linspace(-6, 6, 500).unsqueeze(1).expand(-1, 8)
    assert (GroupRational(8, start=start, reading=reading)(x) - function(x)).abs().max() < near


def test_coefficients_that_start_as_zero_can_leave_it():
    for reading in READINGS:
        layer = GroupRational(8, start="identity", reading=reading)
        layer(torch.randn(50, 8)).square().sum().backward()
        assert layer.denominator.grad.count_nonzero() == layer.denominator.numel()


@pytest.mark.parametrize(("start", "gain"), [("identity", 1.0), ("relu", 2.0), ("gelu", 2.3568), ("silu", 2.8178)])
def test_gains_are_those_of_the_paper(start, gain):
    assert GroupRational(16, start=start).gain() == pytest.approx(gain, rel=0.01)


def test_gain_keeps_the_variance_of_a_layer_behind():
    torch.manual_seed(0)
    layer, x = GroupRational(512), torch.randn(2000, 512)
    weight = torch.randn(512, 512) * math.sqrt(layer.gain() / 512)
    assert (layer(x) @ weight).std().item() == pytest.approx(1, rel=0.05)


def test_odd_part_of_the_start_is_exact():
    a, b = (np.array(row) for row in rational_like("gelu"))
    x = np.linspace(0, 20, 50)
    below = 1 + sum(c * x ** (j + 1) for j, c in enumerate(b))
    up, down = (sum(c * z**j for j, c in enumerate(a)) / below for z in (x, -x))
    np.testing.assert_allclose(up - down, x, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("start", "function"), [("silu", torch.nn.functional.silu), ("gelu", torch.nn.functional.gelu)])
def test_a_denominator_of_degree_one_leaves_a_polynomial(start, function):
    layer, x = GroupRational(1, groups=1, degrees=(8, 1), start=start), torch.linspace(-6, 6, 100).unsqueeze(1)
    assert (layer(x) - function(x)).abs().max() < 0.1
    assert layer.denominator.eq(0).all()


def test_empty_and_low_precision_inputs():
    layer = GroupRational(16)
    assert layer(torch.zeros(0, 3, 16)).shape == (0, 3, 16)
    layer(torch.zeros(0, 16)).sum().backward()
    assert layer.numerator.grad.eq(0).all()
    x = torch.randn(40, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x.bfloat16())
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), layer(x), rtol=2e-2, atol=2e-2)


def test_nan_stays_where_it_is():
    x = torch.ones(4, 16)
    x[1, 3] = math.nan
    found = GroupRational(16)(x).isnan()
    assert found.sum() == 1
    assert found[1, 3]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: GroupRational(30), "30 channels in 8 groups"),
        (lambda: GroupRational(32, degrees=(0, 4)), "degrees must be at least 1"),
        (lambda: GroupRational(32, reading="term"), "did you mean 'terms'"),
        (lambda: GroupRational(32, shared="both"), "shared must be 'numerator', 'denominator' or None"),
        (lambda: GroupRational(32, start="gelo"), "did you mean 'gelu'"),
        (lambda: GroupRational(32, degrees=(1, 1), start="silu"), "degrees 1 and 1 cannot come near 'silu'"),
        (lambda: GroupRational(32, degrees=(5, 1), start="silu"), "degrees 5 and 1 cannot come near 'silu'"),
        (lambda: GroupRational(32)(torch.zeros(3, 31)), "expected 32 channels"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(EdgewiseError, match=words):
        call()


@pytest.mark.parametrize("backend", ["reference", "plain", "lean", "native"])
@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("size", [1e7, 1e8, 1e12, 1e20, 1e30])
@pytest.mark.parametrize("start", ["silu", "identity", None])
def test_float32_is_right_up_to_its_range(size, reading, backend, start):
    """As in float64 on the reference; at 1e30 the fifth power is 1e150."""
    exact = drawn(reading) if start is None else GroupRational(24, 3, reading=reading, shared=None, start=start).double()
    with torch.no_grad():  # numbers of float32, so that both have the same
        for p in exact.parameters():
            p.copy_(p.float())
    layer = copy.deepcopy(exact).float()
    x = (size * torch.randn(5, 24)).requires_grad_()
    twin = x.detach().double().requires_grad_()
    with use_backend(backend):
        found = [layer(x), *torch.autograd.grad(layer(x).sum(), [x, *layer.parameters()])]
    with use_backend("reference"):
        wanted = [exact(twin), *torch.autograd.grad(exact(twin).sum(), [twin, *exact.parameters()])]
    most = torch.finfo(torch.float32).max
    for one, other in zip(found, wanted, strict=True):
        there = other.abs() < most / 100  # gradients of coefficients are powers, which may be no float32
        torch.testing.assert_close(one.double()[there], other[there], rtol=1e-4, atol=1e-5 * min(1.0, size))
