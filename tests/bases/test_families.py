"""What Chebyshev polynomials, Fourier series, Gaussian and other bumps are known to do, beside the contract of bases."""

import math

import numpy as np
import pytest
import torch

from edgewise import EdgewiseError
from edgewise.bases import RSWAF, Chebyshev, Fourier, GaussianRBF, create_basis
from edgewise.testing import assert_within


def at(points) -> torch.Tensor:
    return torch.as_tensor(points, dtype=torch.float64).unsqueeze(-1)


def gram(basis, points, weights) -> torch.Tensor:
    values = basis.evaluate(at(points)).squeeze(1)
    return values.t() @ (torch.as_tensor(weights).unsqueeze(-1) * values)


@pytest.mark.parametrize("degree", [0, 1, 5])
def test_chebyshev_polynomials_are_orthogonal(degree):
    points, weights = np.polynomial.chebyshev.chebgauss(20)  # exact for the weight 1 / sqrt(1 - t^2)
    expected = torch.full((degree + 1,), math.pi / 2, dtype=torch.float64)
    expected[0] = math.pi
    assert_within(gram(Chebyshev(degree), points, weights), expected.diag(), 1e-12)


@pytest.mark.parametrize("domain", [(-1, 1), (2, 7)])
def test_chebyshev_polynomials_are_cosines(domain):
    angles = torch.linspace(0, math.pi, 33, dtype=torch.float64)
    lo, hi = domain
    x = lo + (angles.cos() + 1) * (hi - lo) / 2
    values = Chebyshev(6, domain).evaluate(at(x)).squeeze(1)
    assert_within(values, (angles.unsqueeze(-1) * torch.arange(7)).cos(), 1e-12)


def test_chebyshev_slopes_at_the_ends_are_finite_and_right():
    """T_n'(1) = n^2, where the formula by the inverse cosine gives NaN."""
    x = at([1.0]).requires_grad_()
    values = Chebyshev(5, outside="linear").evaluate(x)[0, 0]
    slopes = [torch.autograd.grad(v, x, retain_graph=True, materialize_grads=True)[0].item() for v in values]
    assert slopes == [n * n for n in range(6)]


@pytest.mark.parametrize("domain", [(-math.pi, math.pi), (0.5, 2.5)])
def test_waves_are_orthogonal(domain):
    lo, hi = domain
    points = np.linspace(lo, hi, 64, endpoint=False)  # the trapezoidal rule is exact over a period
    weights = np.full(64, (hi - lo) / 64)
    expected = torch.eye(10, dtype=torch.float64) * (hi - lo) / 2
    assert_within(gram(Fourier(5, domain), points, weights), expected, 1e-12)


def test_waves_repeat():
    x = torch.randn(20, 2, dtype=torch.float64)
    basis = Fourier(3, (0, 4))
    assert_within(basis.evaluate(x + 4), basis.evaluate(x), 1e-12)


def test_derivatives_of_waves_are_waves():
    x = at(np.linspace(-3, 3, 20)).requires_grad_()
    values = Fourier(3).evaluate(x)
    for m in range(1, 4):
        (slope,) = torch.autograd.grad(values[..., m - 1].sum(), x, retain_graph=True)
        assert_within(slope, -m * values[..., m + 2].detach(), 1e-12)


def test_bumps_are_one_at_their_centres_and_fall_off_alike():
    basis = GaussianRBF(5, (0, 8))
    values = basis.evaluate(at([0, 2, 4, 6, 8])).squeeze(1)
    steps = torch.arange(5, dtype=torch.float64)
    assert_within(values, (-(steps - steps.unsqueeze(-1)).square()).exp(), 1e-12)


def test_bells_are_slopes_of_hyperbolic_tangents():
    basis, x = RSWAF(5, (0, 8)), at(np.linspace(-3, 12, 31)).requires_grad_()
    values = basis.evaluate(x)
    for j in range(5):
        (slope,) = torch.autograd.grad((2 * ((x - 2 * j) / 2).tanh()).sum(), x)
        assert_within(values[..., j].detach(), slope, 1e-12)


def test_bells_fall_off_as_an_exponential():
    values = RSWAF(2, (0, 1)).evaluate(at([5.0, 6.0, 7.0]))[:, 0, 0]
    assert_within(values, 4 * torch.exp(torch.tensor([-10.0, -12.0, -14.0], dtype=torch.float64)), 1e-4)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("chebyshev", {"degree": -1}, "degree must be at least 0, got -1"),
        ("fourier", {"num_frequencies": 0}, "num_frequencies must be at least 1, got 0"),
        ("gaussian_rbf", {"num_centers": 1}, "num_centers must be at least 2, got 1"),
        ("gaussian_rbf", {"outside": "zero"}, "outside must be one of decay, clamp, linear for GaussianRBF, got 'zero'"),
        ("rswaf", {"num_centers": 1}, "num_centers must be at least 2, got 1"),
        ("bsplines", {}, "unknown basis 'bsplines'; did you mean 'bspline'"),
        ("chebyshev", {"degre": 3}, "'degre'; did you mean 'degree'"),
    ],
)
def test_impossible_settings_are_refused(name, options, message):
    with pytest.raises(EdgewiseError, match=message):
        create_basis(name, **options)


@pytest.mark.parametrize("name", ["gaussian_rbf", "rswaf", "relu_kan", "bspline", "squashed"])
@pytest.mark.parametrize("x", [1e10, -1e30, 3e38, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_has_a_limit_has_it_with_its_derivatives(name, x, dtype):
    basis = create_basis(name)
    point = torch.tensor([[x]], dtype=dtype, requires_grad=True)
    values = basis.evaluate(point, {})
    (slope,) = torch.autograd.grad(values.sum(), point, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), point, allow_unused=True, materialize_grads=True)
    assert values.isfinite().all()
    assert not slope.any()
    assert not curvature.any()
    assert basis.evaluate(torch.tensor([[math.nan]], dtype=dtype), {}).isnan().any()
