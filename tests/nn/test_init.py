"""What layers start from."""

import math
import statistics
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

from edgewise.bases import (
    RSWAF,
    Basis,
    Bernstein,
    BSpline,
    Chebyshev,
    Fourier,
    GaussianRBF,
    Legendre,
    create_basis,
    list_bases,
)
from edgewise.nn import Balanced, EfficientKAN, KANConv2d, KANLinear, SaKANLinear
from edgewise.nn.init import _balance

BASES = {name: create_basis(name) for name in list_bases()} | {"per-feature": BSpline(knots="per-feature")}


def rms(x: torch.Tensor) -> float:
    return x.double().square().mean().sqrt().item()


def through_layers(basis, seed: int, depth: int = 30, width: int = 256, samples: int = 128) -> tuple[float, float]:
    """Ratio of the rms of the signal after and before the layers, and of the gradient before and after."""
    torch.manual_seed(seed)
    layers = torch.nn.Sequential(*(KANLinear(width, width, basis) for _ in range(depth)))
    x = torch.randn(samples, width, requires_grad=True)
    y, upstream = layers(x), torch.randn(samples, width)
    y.backward(upstream)
    return rms(y.detach()) / rms(x.detach()), rms(x.grad) / rms(upstream)


@pytest.mark.slow
@pytest.mark.parametrize("basis", BASES.values(), ids=BASES)
def test_signal_and_gradient_survive_thirty_layers(basis):
    signal, gradient = zip(*(through_layers(basis, seed) for seed in range(10)), strict=True)
    assert 1 / 2 <= statistics.median(signal) <= 2
    assert 1 / 10 <= statistics.median(gradient) <= 10


@pytest.mark.parametrize("base", ["silu", None])
@pytest.mark.parametrize("basis", BASES.values(), ids=BASES)
def test_one_layer_keeps_the_size(basis, base):
    layer, x = KANLinear(200, 200, basis, base=base), torch.randn(400, 200)
    assert 0.7 <= rms(layer(x).detach()) <= 1.4


FINE = [BSpline(20), BSpline(100), Chebyshev(20), Legendre(16), Bernstein(20), Fourier(30), GaussianRBF(100), RSWAF(60)]


@pytest.mark.parametrize("base", ["silu", None])
@pytest.mark.parametrize("basis", FINE, ids=str)
def test_fine_functions_keep_signal_and_gradient_too(basis, base):
    """Functions finer than the 0.16 between points of Gauss and Hermite, by which gradients grew by up to 1e5 a layer."""
    layer, x = KANLinear(100, 100, basis, base=base), torch.randn(1000, 100, requires_grad=True)
    y, upstream = layer(x), torch.randn(1000, 100)
    y.backward(upstream)
    assert 0.7 <= rms(y.detach()) <= 1.4
    assert 0.5 <= rms(x.grad) / rms(upstream) <= 4


@pytest.mark.parametrize("basis", BASES.values(), ids=BASES)
def test_a_layer_can_be_built_on_meta_before_any_other(basis):
    _balance.cache_clear()
    with torch.device("meta"):
        assert KANLinear(3, 2, basis).coef.is_meta


def test_a_layer_can_be_built_in_inference_mode():
    basis = BSpline(7, 2, domain=(-1.1, 1.3))  # one that no other test has built
    with torch.inference_mode():
        layer = KANLinear(3, 2, basis)
        assert layer(torch.zeros(1, 3)).isfinite().all()
    x = torch.zeros(1, 3, requires_grad=True)
    KANLinear(3, 2, basis)(x).sum().backward()
    assert x.grad.isfinite().all()


@dataclass(frozen=True)
class Steps(Basis):
    """Functions that are 1 above their threshold and 0 below, by comparisons alone."""

    count: int = 4
    domain: tuple[float, float] = (-1.0, 1.0)
    outside: str = "constant"
    natural: ClassVar[str] = "constant"

    @property
    def num_functions(self):
        return self.count

    @property
    def smoothness(self):
        return -1

    def values(self, x, state):
        return (x.unsqueeze(-1) > torch.linspace(-0.9, 0.9, self.count).to(x)).to(x.dtype)


@pytest.mark.parametrize("count", [1, 4, 300])
@pytest.mark.parametrize("base", ["silu", None])
def test_steps_without_a_slope_keep_the_size_of_the_signal(count, base):
    x = torch.randn(4000, 64)
    assert 0.5 < KANLinear(64, 64, Steps(count), base=base)(x).square().mean() < 2


def test_degree_zero_can_be_built():
    layer, x = KANLinear(50, 50, BSpline(degree=0)), torch.randn(100, 50)
    assert 0.5 <= rms(layer(x).detach()) <= 2


def test_a_scale_starts_at_one():
    assert torch.equal(KANLinear(3, 2, scale=True).scale, torch.ones(2, 3))


@pytest.mark.parametrize("scale_base", [0.5, 1.0, 2.0])
def test_kaiming_of_efficient_kan(scale_base):
    """U(-b, b) with b = sqrt(6 / ((1 + a^2) n)), a = sqrt(5) scale: a larger scale gives smaller weights."""
    layer = KANLinear(100, 100, scale=True, init=EfficientKAN(scale_base=scale_base, scale_spline=0.5))
    for weight, scale in ((layer.base_weight, scale_base), (layer.scale, 0.5)):
        bound = math.sqrt(6 / ((1 + 5 * scale**2) * 100))
        assert weight.abs().max().item() <= bound
        assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.03)
        assert weight.mean().item() == pytest.approx(0, abs=bound / 40)


def test_splines_of_efficient_kan_interpolate_small_noise():
    """At the G + 1 knots of the domain they are uniform noise of amplitude scale_noise / G."""
    layer = KANLinear(100, 100, scale=True, init=EfficientKAN(scale_noise=0.1))
    values = layer.edge.basis.evaluate(torch.linspace(-1, 1, 6).unsqueeze(-1)).squeeze(1) @ layer.coef.transpose(
        0, 1
    ).flatten(1)
    amplitude = 0.1 / 5 / 2
    assert values.abs().max().item() <= amplitude * 1.001
    assert values.std().item() == pytest.approx(amplitude / math.sqrt(3), rel=0.03)


def test_without_scales_the_coefficients_take_the_factor():
    torch.manual_seed(0)
    once = KANLinear(4, 3, init=EfficientKAN())
    torch.manual_seed(0)
    twice = KANLinear(4, 3, init=EfficientKAN(scale_spline=2.0))
    assert torch.allclose(twice.coef, 2 * once.coef)


@pytest.mark.parametrize("init", [Balanced(), EfficientKAN()], ids=str)
@pytest.mark.parametrize(
    "make",
    [lambda i: KANConv2d(4, 6, 3, groups=2, bias=True, scale=True, init=i), lambda i: SaKANLinear(4, 6, bias=True, init=i)],
    ids=["conv", "shared"],
)
def test_reset_draws_all_parameters_anew(make, init):
    layer = make(init)
    with torch.no_grad():
        for p in layer.parameters():
            p.fill_(math.nan)
    torch.manual_seed(3)
    layer.reset_parameters()
    torch.manual_seed(3)
    for p, expected in zip(layer.parameters(), make(init).parameters(), strict=True):
        assert torch.equal(p, expected)
    assert layer.bias.count_nonzero() == 0


def test_a_domain_that_the_inputs_all_but_miss_has_a_start_too():
    layer = KANLinear(64, 64, BSpline(domain=(0.0, 1e-3)))
    y = layer(torch.randn(500, 64))
    assert 0.7 < y.square().mean().sqrt().item() < 1.4
