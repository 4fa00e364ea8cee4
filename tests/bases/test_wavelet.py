"""What wavelets are known to do, beside the contract of bases."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate

from edgewise import EdgewiseError
from edgewise.bases import Wavelet
from edgewise.bases.wavelet import KINDS, _sinc
from edgewise.nn import KANLinear
from edgewise.testing import assert_within

LINE = torch.linspace(-200, 200, 400_001, dtype=torch.float64)  # the trapezoidal rule is exact for a band of frequencies
STEP = 1e-3


def derivatives(f, points, orders: int) -> list[torch.Tensor]:
    z = torch.as_tensor(points, dtype=torch.float64).requires_grad_()
    found = [f(z)]
    for _ in range(orders):
        found.append(torch.autograd.grad(found[-1].sum(), z, create_graph=True)[0])
    return [values.detach() for values in found]


@pytest.mark.parametrize(
    ("kind", "mean"), [("mexican_hat", 0), ("morlet", math.sqrt(2 * math.pi) * math.exp(-12.5)), ("dog", 0), ("meyer", 0)]
)
def test_the_mean_is_zero(kind, mean):
    assert (KINDS[kind][0](LINE).sum() * STEP).item() == pytest.approx(mean, abs=1e-5 if kind == "meyer" else 1e-12)


@pytest.mark.parametrize(("kind", "tolerance"), [("mexican_hat", 1e-12), ("meyer", 1e-6), ("shannon", 3e-3)])
def test_the_norm_is_one(kind, tolerance):
    """Up to the tails beyond the line, of 1 / (pi^2 200) at most for Shannon's."""
    assert (KINDS[kind][0](LINE).square().sum() * STEP).item() == pytest.approx(1, abs=tolerance)


@pytest.mark.parametrize("kind", ["meyer", "shannon"])
def test_translations_and_octaves_are_orthogonal(kind):
    psi = KINDS[kind][0]
    first = psi(LINE)
    for other in (psi(LINE - 1), psi(LINE - 3), psi(2 * LINE + 0.5 * (kind == "meyer")), psi(LINE / 2 - 0.25)):
        # about their centres, the wavelets of the next octave stand at odd quarters
        assert abs((first * other).sum().item() * STEP) < (1e-5 if kind == "meyer" else 4e-3)


def spectrum(kind: str, omega: float) -> float:
    return (KINDS[kind][0](LINE) * (omega * LINE).cos()).sum().item() * STEP


def test_the_band_of_meyer_and_of_shannon():
    for omega in (0.5, 2.0, 8.5, 12.0):
        assert abs(spectrum("meyer", omega)) < 1e-3
    for omega in (2.2, 3.5, 5.0, 8.0):  # Meyer's window, of which the wavelet is the transform
        expected = -math.cos(0.75 * omega) if omega < 4 / 3 * math.pi else math.sin(0.375 * omega)
        assert spectrum("meyer", omega) == pytest.approx(expected, abs=1e-3)
    for omega, expected in ((1.0, 0), (2.5, 0), (4.0, 1), (5.5, 1), (7.0, 0)):
        assert spectrum("shannon", omega) == pytest.approx(expected, abs=1e-2)


@pytest.mark.parametrize("kind", ["mexican_hat", "dog"])
def test_the_central_frequency_is_where_the_spectrum_peaks(kind):
    omega = torch.linspace(0.2, 4, 39, dtype=torch.float64)
    transform = torch.cos if kind == "mexican_hat" else torch.sin
    power = [(KINDS[kind][0](LINE) * transform(w * LINE)).sum().abs().item() for w in omega]
    assert omega[int(np.argmax(power))].item() == pytest.approx(KINDS[kind][1], abs=0.1)


@pytest.mark.parametrize("z", [0.0, 0.375, -0.375, 0.75, -0.75, 0.3749999999, 1e-9, 1.3, 30.0])
def test_meyers_wavelet_has_no_poles(z):
    """Values and second derivatives by quadrature of the integral that defines them."""

    def transform(power: int) -> float:
        first = integrate.quad(lambda w: -(w**power) * np.cos(0.75 * w) * np.cos(w * z), 2 / 3 * np.pi, 4 / 3 * np.pi)
        second = integrate.quad(lambda w: w**power * np.sin(0.375 * w) * np.cos(w * z), 4 / 3 * np.pi, 8 / 3 * np.pi)
        return (first[0] + second[0]) / np.pi

    value, _, curvature = derivatives(KINDS["meyer"][0], z, 2)
    assert value.item() == pytest.approx(transform(0), abs=1e-12)
    assert curvature.item() == pytest.approx(-transform(2), abs=1e-10)


def test_sinc_is_smooth_at_zero_and_at_the_seam():
    """It is the mean of cos(s z) over s from 0 to 1, of which all derivatives are known."""
    points = [0.0, 1e-12, 1e-4, 0.5, 1 - 1e-15, 1.0, 1 + 1e-15, -1.0, 7.0]

    def mean(z: float, order: int) -> float:
        return integrate.quad(lambda s: s**order * np.cos(s * z + order * np.pi / 2), 0, 1)[0]

    for order, values in enumerate(derivatives(_sinc, points, 3)):
        assert_within(values, torch.tensor([mean(z, order) for z in points], dtype=torch.float64), 1e-11)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_meyers_wavelet_is_exact_in_both_precisions(dtype):
    z = torch.linspace(-4, 4, 100_001, dtype=dtype)
    psi = KINDS["meyer"][0]
    assert (psi(z).double() - psi(z.double())).abs().max() <= 10 * torch.finfo(dtype).eps


def test_the_start():
    basis = Wavelet("morlet", num_wavelets=5, domain=(0, 8))
    state = basis.init_state(2)
    assert state["translation"].tolist() == [[0, 2, 4, 6, 8]] * 2
    frequencies = 5 / state["log_scale"].exp() * 8
    assert_within(frequencies, torch.tensor([[2.0, 4, 8, 16, 2]] * 2), 1e-6)
    alone = Wavelet("dog", num_wavelets=1, domain=(1, 3)).init_state(1)
    assert alone["translation"].item() == 2


@pytest.mark.parametrize("kind", KINDS)
def test_translation_and_scale_learn(kind):
    """A layer finds the one wavelet that made the data."""
    x = torch.linspace(-3, 3, 200, dtype=torch.float64).unsqueeze(-1)
    target = KINDS[kind][0]((x - 0.3) / (0.8 * KINDS[kind][1]))
    layer = KANLinear(1, 1, Wavelet(kind, 1), base=None, dtype=torch.float64)
    with torch.no_grad():
        layer.coef.fill_(0.8)
        layer.state.log_scale.fill_(math.log(0.9 * KINDS[kind][1]))
        layer.state.translation.fill_(0.2)
    optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=200, line_search_fn="strong_wolfe", tolerance_change=1e-14)

    def closure():
        optimizer.zero_grad()
        loss = (layer(x) - target).square().mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert layer.state.translation.item() == pytest.approx(0.3, abs=1e-4)
    assert layer.state.log_scale.exp().item() == pytest.approx(0.8 * KINDS[kind][1], rel=1e-4)
    assert layer.coef.item() == pytest.approx(1, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_thirty_layers_keep_signal_and_gradient(kind):
    """The oscillating kinds, all on one fine scale, exploded the gradient up to 10^12 times."""
    layers = torch.nn.Sequential(*(KANLinear(128, 128, Wavelet(kind)) for _ in range(30)))
    x = torch.randn(64, 128, requires_grad=True)
    y, upstream = layers(x), torch.randn(64, 128)
    y.backward(upstream)
    assert 0.5 < y.square().mean().sqrt() / x.square().mean().sqrt() < 2
    assert 0.1 < x.grad.square().mean().sqrt() / upstream.square().mean().sqrt() < 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "mexican"}, "unknown kind of wavelet 'mexican'; did you mean 'mexican_hat'"),
        ({"num_wavelets": 0}, "num_wavelets must be at least 1, got 0"),
        ({"outside": "zero"}, "outside must be one of decay, clamp, linear for Wavelet, got 'zero'"),
    ],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(EdgewiseError, match=message):
        Wavelet(**options)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("x", [1e3, 1e10, -2e19, 1e30, 3e38, math.inf, -math.inf])
def test_far_out_they_are_zero_with_all_derivatives(x, kind, dtype):
    """And finite where they fall as 1 / z."""
    basis = Wavelet(kind)
    state = basis.init_state(1, dtype=dtype)
    point = torch.tensor([[x]], dtype=dtype, requires_grad=True)
    values = basis.evaluate(point, state)
    wanted = [point, *state.values()]
    slopes = torch.autograd.grad(values.sum(), wanted, create_graph=True)
    curvature = torch.autograd.grad(slopes[0].sum(), wanted, allow_unused=True, materialize_grads=True)
    slow = kind in ("meyer", "shannon") and abs(x) < 1e18
    for found in (values, *slopes, *curvature):
        assert found.isfinite().all()
        assert slow or not found.any()
    assert not slow or values.abs().max() <= 10 / abs(x)
