import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline as ScipySpline
from torch.func import jacrev, vmap

from edgewise import EdgewiseError
from edgewise.bases import Fourier
from edgewise.kan import KAN
from edgewise.ops import backends_for, use_backend
from edgewise.physics import Field
from edgewise.testing import assert_within


def points(count=40, columns=2):
    return torch.rand(count, columns, dtype=torch.float64) * 1.6 - 0.8


def wave(x):
    """exp(2a) sin(3b)."""
    return (torch.exp(2 * x[:, 0]) * torch.sin(3 * x[:, 1])).unsqueeze(1)


@pytest.mark.parametrize("a", range(4))
@pytest.mark.parametrize("b", range(4))
def test_closed_forms_of_all_orders(a, b):
    x = points()
    phase = 3 * x[:, 1] + b * torch.pi / 2  # each derivative turns the sine by a quarter
    expected = 2**a * torch.exp(2 * x[:, 0]) * 3**b * torch.sin(phase)
    assert_within(Field(wave, x).d(*[0] * a, *[1] * b).detach(), expected, 1e-12)


def test_helpers_of_a_closed_form():
    x = points()
    u = Field(wave, x)
    assert torch.equal(u.x, x)
    assert torch.equal(u.value, wave(x)[:, 0])
    assert_within(u.laplacian().detach(), (4 - 9) * wave(x)[:, 0], 1e-12)
    assert_within(u.laplacian([1]).detach(), -9 * wave(x)[:, 0], 1e-12)
    assert_within(u.gradient()[:, 0].detach(), 2 * wave(x)[:, 0], 1e-12)


NETWORKS = [
    KAN([2, 4, 3], grid=4, k=4),
    KAN([2, [2, 2], 3], grid=3, affine=True, scale=True),
    KAN([2, 3, 3], Fourier(3), base="tanh"),
]


@pytest.mark.parametrize("model", NETWORKS, ids=str)
def test_networks_as_torch_func_sees_them(model):
    model, x = model.double(), points()

    def one(row):
        return model(row.unsqueeze(0))[0]

    with use_backend("reference"):
        first, second = vmap(jacrev(one))(x), vmap(jacrev(jacrev(one)))(x)
    u = Field(model, x)
    for component in range(3):
        assert_within(u[component].gradient().detach(), first[:, component].detach(), 1e-10)
        for i in range(2):
            for j in range(2):
                assert_within(u[component].d(i, j).detach(), second[:, component, i, j].detach(), 1e-10)


@pytest.mark.parametrize("backend", [name for name in backends_for("cpu") if name != "plain"])
def test_every_backend_gives_the_same_derivatives(backend):
    model, x = KAN([2, 4, 3, 1], grid=5, k=4).double(), points()
    u = Field(model, x)
    with use_backend(backend):
        leaf = x.clone().requires_grad_()
        found = model(leaf)[:, 0]
        for columns in ((0,), (0, 1), (0, 1, 1)):
            found = torch.autograd.grad(found.sum(), leaf, create_graph=True)[0][:, columns[-1]]
            assert_within(found.detach(), u.d(*columns).detach(), 1e-9)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_an_edge_is_differentiated_as_scipy_does(order):
    model, x = KAN([1, 1], grid=6, k=4, base=None).double(), points(columns=1)
    step = 2 / 6
    knots = -1 + step * np.arange(-4, 11)
    spline = ScipySpline(knots, model[0].coef.detach()[0, :, 0].numpy(), 4)
    expected = torch.tensor(spline.derivative(order)(x[:, 0].numpy()))
    assert_within(Field(model, x).d(*[0] * order).detach(), expected, 1e-9)


def test_derivatives_can_be_learned_from():
    model, x = KAN([2, 3, 1], grid=3).double(), points(10)

    def loss():
        return (Field(model, x).laplacian() - 1).square().mean()

    (gradient,) = torch.autograd.grad(loss(), model[0].coef)
    with torch.no_grad():
        ends = []
        for shift in (1e-5, -1e-5):
            model[0].coef[1, 2, 0] += shift
            ends.append(loss().item())
            model[0].coef[1, 2, 0] -= shift
    assert gradient[1, 2, 0].item() == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6)


def test_nothing_is_derived_twice(monkeypatch):
    u, calls, grad = Field(wave, points()), [], torch.autograd.grad
    monkeypatch.setattr(torch.autograd, "grad", lambda *a, **k: calls.append(1) or grad(*a, **k))
    for columns in ((0,), (1,), (0, 1), (1, 0), (0, 0), (0,)):
        u.d(*columns)
    assert len(calls) == 2


def test_straight_and_constant_functions_have_derivatives():
    u = Field(lambda x: 3 * x[:, :1] + 1, points(5))
    assert u.d(0).tolist() == [3] * 5
    assert u.d(0, 1).tolist() == u.d(1).tolist() == [0] * 5
    assert Field(lambda x: x.new_ones(len(x), 1), points(5)).d(0, 0).tolist() == [0] * 5


def test_works_without_gradients_around_it():
    x = points()
    with torch.no_grad():
        found = Field(wave, x).d(1, 1)
        component = Field(lambda x: torch.cat([x, wave(x)], 1), x)[2].d(1, 1)
    assert_within(found.detach(), -9 * wave(x)[:, 0], 1e-12)
    assert_within(component.detach(), -9 * wave(x)[:, 0], 1e-12)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: Field(wave, points()).d(2), r"columns of x, 0 to 1, got \(2,\)"),
        (lambda: Field(wave, points()).d(0, -1), r"columns of x, 0 to 1, got \(0, -1\)"),
        (lambda: Field(lambda x: x, points()).d(0), r"the model has 2 outputs: choose one, such as u\[0\]"),
        (lambda: Field(lambda x: x.sum(), points(7)), r"one row a point, 7 of them, got shape \(\)"),
        (lambda: Field(lambda x: x[:, 0], points(7)), r"one row a point, 7 of them, got shape \(7,\)"),
        (lambda: Field(lambda x: x, points())[2], r"2 outputs, u\[0\] to u\[1\], and u\[2\] is asked for"),
        (lambda: Field(wave, points()).shifted(torch.ones(3)), r"one number for each of 2 columns, got shape \(3,\)"),
        (lambda: Field(KAN([2, 1], k=1).double(), points()).laplacian(), r"order 2 .* degree 1: .* k=3"),
    ],
)
def test_what_cannot_be_asked_for(ask, message):
    with pytest.raises(EdgewiseError, match=message):
        ask()
