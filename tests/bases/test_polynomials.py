"""What families of polynomials are known to do, beside the contract of bases."""

import math

import numpy as np
import pytest
import torch
from scipy import special

from edgewise import EdgewiseError
from edgewise.bases import (
    Bernstein,
    Chebyshev,
    Gegenbauer,
    Gram,
    Hermite,
    Jacobi,
    Laguerre,
    Legendre,
    Monomials,
    create_basis,
)
from edgewise.testing import assert_within

FAMILIES = {
    "bernstein": Bernstein,
    "gegenbauer": Gegenbauer,
    "gram": lambda degree: Gram(degree, num_points=40),
    "hermite": Hermite,
    "jacobi": Jacobi,
    "laguerre": Laguerre,
    "legendre": Legendre,
    "monomials": Monomials,
}


def at(basis, points, dtype=torch.float64) -> torch.Tensor:
    """All functions at the points, ``(n, K)``."""
    state = {name: tensor.detach() for name, tensor in basis.init_state(1, dtype=dtype).items()}
    return basis.evaluate(torch.as_tensor(points).to(dtype).unsqueeze(-1), state).squeeze(1)


def gram_matrix(basis, points, weights) -> torch.Tensor:
    values = at(basis, points)
    return values.t() @ (torch.as_tensor(weights).unsqueeze(-1) * values)


def derivatives(basis, points, orders: int = 2) -> list[torch.Tensor]:
    """Values and derivatives, each ``(n, K)``."""
    x = torch.as_tensor(points, dtype=torch.float64).unsqueeze(-1).requires_grad_()
    found = [basis.evaluate(x)[:, 0]]
    for _ in range(orders):
        columns = found[-1].unbind(-1)
        slopes = [torch.autograd.grad(c.sum(), x, create_graph=True, materialize_grads=True)[0] for c in columns]
        found.append(torch.cat(slopes, -1))
    return [values.detach() for values in found]


@pytest.mark.parametrize("degree", [1, 4, 8, 16, 30])
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_single_precision_loses_no_more_than_three_roundings_a_degree(family, degree):
    basis = family(degree)
    x = torch.linspace(*basis.domain, 3001)
    exact, found = at(basis, x.double()), at(basis, x, torch.float32).double()
    size = exact.abs().amax(0)
    assert ((found - exact).abs().amax(0) <= 3 * degree * torch.finfo(torch.float32).eps * size).all()


@pytest.mark.parametrize(
    ("basis", "rule", "norms"),
    [
        (Legendre(6), special.roots_legendre(12), [2 / (2 * n + 1) for n in range(7)]),
        (Gegenbauer(6, 1.0), special.roots_gegenbauer(12, 1.0), [math.pi / 2] * 7),
        (Hermite(6), special.roots_hermitenorm(12), [math.sqrt(2 * math.pi)] * 7),
        (Laguerre(6, domain=(0, 4)), special.roots_laguerre(12), [1] * 7),
        (
            Jacobi(6, 0.5, 2.0),
            special.roots_jacobi(12, 0.5, 2.0),
            [
                2**3.5 / (2 * n + 3.5) * math.gamma(n + 1.5) * math.gamma(n + 3) / (math.gamma(n + 3.5) * math.factorial(n))
                for n in range(7)
            ],
        ),
    ],
    ids=["legendre", "gegenbauer", "hermite", "laguerre", "jacobi"],
)
def test_orthogonal_for_their_weight(basis, rule, norms):
    """Gauss's quadrature is exact here; the norms are those of Abramowitz and Stegun, table 22.2."""
    points, weights = rule
    with_all_degrees = type(basis)(**{**vars(basis), "outside": "grow"})
    found = gram_matrix(with_all_degrees, points, weights)
    assert_within(found, torch.tensor(norms, dtype=torch.float64).diag(), 1e-12)


@pytest.mark.parametrize("num_points", [6, 7, 40])
def test_gram_polynomials_start_orthogonal_over_even_points(num_points):
    points = np.linspace(-1, 1, num_points)
    found = gram_matrix(Gram(5, num_points), points, np.ones(num_points))
    assert_within(found, found.diag().diag(), 1e-12)
    assert (found.diag() > 0).all()


def test_gram_polynomials_on_very_many_points_are_legendre_polynomials():
    points = torch.linspace(-1, 1, 50, dtype=torch.float64)
    leading = torch.tensor([special.legendre(n).c[0] for n in range(6)], dtype=torch.float64)
    assert_within(at(Gram(5, num_points=10**7), points) * leading, at(Legendre(5), points), 1e-6)


def test_gram_polynomials_with_numbers_of_zero_are_powers():
    basis, points = Gram(5), torch.linspace(-1, 1, 20, dtype=torch.float64).unsqueeze(-1)
    values = basis.evaluate(points, {"recurrence": torch.zeros(1, 4, dtype=torch.float64)})
    assert torch.equal(values, Monomials(5).evaluate(points))


@pytest.mark.parametrize("domain", [(-1, 1), (2, 7)])
def test_special_cases(domain):
    points = torch.linspace(*domain, 41, dtype=torch.float64)
    legendre = at(Legendre(6, domain), points)
    assert_within(at(Gegenbauer(6, 0.5, domain), points), legendre, 1e-12)
    assert_within(at(Jacobi(6, 0.0, 0.0, domain), points), legendre, 1e-12)
    first = at(Jacobi(6, -0.5, -0.5, domain), points)  # Chebyshev polynomials, scaled to binom(n - 1/2, n) at the end
    heights = torch.tensor(special.binom(np.arange(7) - 0.5, np.arange(7)))
    assert_within(first, at(Chebyshev(6, domain), points) * heights, 1e-12)


def test_slopes_of_chebyshev_polynomials_are_those_of_the_second_kind():
    points = torch.linspace(-1, 1, 41, dtype=torch.float64)
    _, slopes, _ = derivatives(Chebyshev(6), points)
    assert_within(slopes[:, 1:], at(Gegenbauer(5, 1.0), points) * torch.arange(1, 7), 1e-12)


def test_hermite_polynomials_of_the_physicists():
    points = torch.linspace(-2, 2, 21, dtype=torch.float64)
    values = at(Hermite(6), math.sqrt(2) * points)
    sizes = torch.tensor([math.sqrt(2**n * math.factorial(n)) for n in range(7)], dtype=torch.float64)
    expected = np.stack([special.eval_hermite(n, points.numpy()) for n in range(7)], -1)
    assert_within(values * sizes, torch.from_numpy(expected), 1e-12)


EQUATIONS = {  # a y'' + b y' + n(n) y = 0; Abramowitz and Stegun, table 22.6
    "legendre": (Legendre(8), lambda t: 1 - t**2, lambda t: -2 * t, lambda n: n * (n + 1)),
    "gegenbauer": (Gegenbauer(8, 0.7), lambda t: 1 - t**2, lambda t: -2.4 * t, lambda n: n * (n + 1.4)),
    "jacobi": (Jacobi(8, 0.5, 2.0), lambda t: 1 - t**2, lambda t: 1.5 - 4.5 * t, lambda n: n * (n + 3.5)),
    "hermite": (Hermite(8), lambda t: 1, lambda t: -t, lambda n: n),
    "laguerre": (Laguerre(8, domain=(0, 4)), lambda t: t, lambda t: 1 - t, lambda n: n),
}


@pytest.mark.parametrize("family", EQUATIONS)
def test_they_solve_their_differential_equation(family):
    """Ends included, where second derivatives have to be finite for physics."""
    basis, a, b, number = EQUATIONS[family]
    t = torch.linspace(*basis.domain, 33, dtype=torch.float64).unsqueeze(-1)
    y, slope, curvature = derivatives(basis, t.squeeze(-1))
    rest = a(t) * curvature + b(t) * slope + number(torch.arange(9, dtype=torch.float64)) * y
    assert rest.abs().max() <= 1e-10 * curvature.abs().max()


def test_bernstein_polynomials_sum_to_one_and_take_turns():
    values = at(Bernstein(6, (2, 5)), torch.linspace(2, 5, 61, dtype=torch.float64))
    assert (values >= 0).all()
    assert_within(values.sum(-1), torch.ones(61, dtype=torch.float64), 1e-13)
    assert values[0].tolist() == [1, 0, 0, 0, 0, 0, 0]
    assert values[-1].tolist() == [0, 0, 0, 0, 0, 0, 1]
    assert values.argmax(0).tolist() == [0, 10, 20, 30, 40, 50, 60]  # the j-th is greatest at j / d


def test_bernstein_polynomials_sum_to_a_straight_line():
    points = torch.linspace(-1, 1, 30, dtype=torch.float64)
    assert_within(at(Bernstein(7), points) @ torch.linspace(-1, 1, 8, dtype=torch.float64), points, 1e-13)


def test_bernstein_polynomials_are_their_slopes_differences():
    _, slopes, _ = derivatives(Bernstein(5, (0, 1)), torch.linspace(0, 1, 21, dtype=torch.float64))
    lower = at(Bernstein(4, (0, 1)), torch.linspace(0, 1, 21, dtype=torch.float64))
    none = torch.zeros(21, 1, dtype=torch.float64)
    assert_within(slopes, 5 * (torch.cat([none, lower], -1) - torch.cat([lower, none], -1)), 1e-12)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_degree_zero_is_constant(family):
    assert torch.equal(at(family(0), [-1.0, 0.3, 1.0]), torch.ones(3, 1, dtype=torch.float64))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("legendre", {"degree": -1}, "degree must be at least 0, got -1"),
        ("bernstein", {"degree": -1}, "degree must be at least 0, got -1"),
        ("gegenbauer", {"alpha": 0.0}, "alpha must be above -0.5, finite and not 0, got 0.0"),
        ("gegenbauer", {"alpha": -0.5}, "alpha must be above -0.5"),
        ("gegenbauer", {"alpha": math.nan}, "alpha must be above -0.5"),
        ("jacobi", {"alpha": -1.0}, "alpha must be above -1 and finite, got -1.0"),
        ("jacobi", {"beta": math.inf}, "beta must be above -1 and finite, got inf"),
        ("gram", {"degree": 4, "num_points": 4}, "num_points must be above degree=4 and at least 2, got 4"),
        ("gram", {"degree": 0, "num_points": 1}, "num_points must be above degree=0 and at least 2, got 1"),
        ("hermite", {"outside": "zero"}, "outside must be one of grow, clamp, linear for Hermite, got 'zero'"),
    ],
)
def test_impossible_settings_are_refused(name, options, message):
    with pytest.raises(EdgewiseError, match=message):
        create_basis(name, **options)
