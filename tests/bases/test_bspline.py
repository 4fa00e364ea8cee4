"""What B-splines are known to do, beside the contract of bases."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline as ScipySpline
from torch.func import jacfwd, jacrev

from edgewise import EdgewiseError
from edgewise.bases import BSpline
from edgewise.testing import assert_within

DEGREES = range(6)
SPLINES = st.builds(
    BSpline,
    grid_size=st.integers(1, 8),
    degree=st.integers(0, 5),
    domain=st.sampled_from([(-1, 1), (0, 1), (-3.5, 20)]),
    knots=st.sampled_from(["uniform", "per-feature"]),
)
SHARES = st.lists(st.floats(-1, 2), min_size=1, max_size=30)


def at(basis: BSpline, shares: list[float]) -> torch.Tensor:
    """Points at these fractions of the domain, for one feature."""
    lo, hi = basis.domain
    return (lo + (hi - lo) * torch.tensor(shares, dtype=torch.float64)).clamp(2 * lo - hi, 2 * hi - lo).unsqueeze(-1)


def state_of(basis: BSpline) -> dict:
    return basis.init_state(1, dtype=torch.float64)


@settings(max_examples=60, deadline=None)
@given(SPLINES, SHARES)
def test_non_negative_and_one_together(basis, shares):
    x = at(basis, shares)
    values = basis.evaluate(x, state_of(basis)).squeeze(1)
    inside = ((x >= basis.domain[0]) & (x <= basis.domain[1])).squeeze(1)
    assert (values >= -1e-13).all()
    assert_within(values[inside].sum(-1), torch.ones(int(inside.sum()), dtype=torch.float64), 1e-12)
    assert (values.sum(-1) <= 1 + 1e-12).all()


@settings(max_examples=60, deadline=None)
@given(SPLINES, SHARES)
def test_local(basis, shares):
    x = at(basis, shares)
    values = basis.evaluate(x, state_of(basis)).squeeze(1)
    assert (values.abs() > 1e-14).sum(-1).max() <= basis.degree + 1
    cell = (basis.domain[1] - basis.domain[0]) / basis.grid_size
    first = basis.domain[0] + cell * (torch.arange(basis.num_functions) - basis.degree)
    beyond = (x < first) | (x > first + cell * (basis.degree + 1))
    assert values[beyond].abs().sum() < 1e-12


@pytest.mark.filterwarnings("ignore:`torch.jit")  # of torch itself, when it first loads what forward mode needs
@pytest.mark.parametrize("knots", ["uniform", "per-feature"])
@pytest.mark.parametrize("degree", [2, 3, 4])
def test_forward_mode_has_the_second_derivatives_of_scipy(degree, knots):
    """At knots and in the middle of cells, where a closed form with absolute values has kinks."""
    basis = BSpline(4, degree, knots=knots)
    places = [-0.75, -0.37, -0.25, 0.11, 0.25, 0.75, 0.93] + [-0.5, 0.0, 0.5] * (degree > 2)  # where degree 2 jumps
    state = state_of(basis)
    splines = ScipySpline(-1 + np.arange(-degree, degree + 5) / 2, np.eye(4 + degree), degree)
    expected = torch.tensor(splines(places, nu=2))

    def f(x):
        return basis.evaluate(x.reshape(1, 1), state).reshape(-1)

    for outer, inner in ((jacfwd, jacfwd), (jacrev, jacfwd), (jacfwd, jacrev)):
        found = torch.stack([outer(inner(f))(x) for x in torch.tensor(places, dtype=torch.float64)])
        assert (found - expected).abs().max() < 1e-9


@pytest.mark.parametrize("degree", DEGREES)
def test_polynomials_up_to_the_degree_are_reproduced(degree):
    """By Marsden's identity the coefficients of x^1 are the knots' averages; here all powers, by interpolation."""
    basis = BSpline(4, degree)
    x = torch.linspace(-1, 1, 400, dtype=torch.float64).unsqueeze(-1)
    values = basis.evaluate(x).squeeze(1)
    for power in range(degree + 1):
        target = x.pow(power)
        coef = torch.linalg.pinv(values) @ target
        assert_within(values @ coef, target, 1e-10)
    if degree:
        knots = torch.arange(-degree, 4 + degree + 1, dtype=torch.float64) / 2 - 1
        greville = torch.stack([knots[j + 1 : j + degree + 1].mean() for j in range(basis.num_functions)])
        assert_within(values @ greville, x.squeeze(-1), 1e-12)


@pytest.mark.parametrize("knots", ["uniform", "per-feature"])
@pytest.mark.parametrize("degree", range(1, 6))
def test_derivatives_are_those_of_scipy(degree, knots):
    basis = BSpline(5, degree, (-1, 2), knots=knots)
    coef = torch.randn(basis.num_functions, dtype=torch.float64)
    all_knots = BSpline(5, degree, (-1, 2), knots="per-feature").init_state(1, dtype=torch.float64)["knots"][0]
    expected = ScipySpline(all_knots.numpy(), coef.numpy(), degree)
    x = (3 * torch.rand(50, 1, dtype=torch.float64) - 1).requires_grad_()
    derivative = (basis.evaluate(x, state_of(basis)) @ coef).sum()
    for order in range(1, degree + 1):
        (slope,) = torch.autograd.grad(derivative, x, create_graph=True)
        assert_within(slope.detach(), torch.from_numpy(expected.derivative(order)(x.detach().numpy())), 1e-9)
        derivative = slope.sum()


@pytest.mark.parametrize("degree", range(1, 6))
def test_with_and_without_a_gradient_the_values_are_the_same(degree):
    basis = BSpline(5, degree)
    x = 4 * torch.rand(200, 3, dtype=torch.float64) - 2
    assert_within(basis.evaluate(x), basis.evaluate(x.clone().requires_grad_()).detach(), 1e-12)


@pytest.mark.parametrize("degree", DEGREES)
def test_even_per_feature_knots_are_uniform_knots(degree):
    uniform = BSpline(5, degree, (-2, 1))
    basis = replace(uniform, knots="per-feature")
    x = 5 * torch.rand(200, 3, dtype=torch.float64) - 3
    assert_within(basis.evaluate(x, basis.init_state(3, dtype=torch.float64)), uniform.evaluate(x), 1e-12)


def test_each_feature_has_its_own_knots():
    basis = BSpline(3, 2, knots="per-feature")
    state = basis.init_state(2, dtype=torch.float64)
    state["knots"][1] = 10 + 5 * state["knots"][1]
    x = 2 * torch.rand(30, 1, dtype=torch.float64) - 1
    values = basis.evaluate(torch.cat([x, 10 + 5 * x], -1), state)
    assert_within(values[:, 1], values[:, 0], 1e-12)
    assert basis.fraction_outside(torch.cat([x, x], -1), state) == 0.5


@pytest.mark.parametrize("degree", DEGREES)
def test_all_knots_in_one_point_are_finite(degree):
    """What a constant feature would leave of its knots."""
    basis = BSpline(3, degree, knots="per-feature")
    state = {"knots": torch.full((1, 4 + 2 * degree), 0.5, dtype=torch.float64)}
    x = torch.tensor([[-1.0], [0.5], [2.0], [np.inf]], dtype=torch.float64, requires_grad=True)
    values = basis.evaluate(x, state)
    values.sum().backward()
    assert values.isfinite().all()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("degree", DEGREES)
def test_knots_doubled_at_the_ends_of_the_domain_keep_the_sum(degree):
    basis = BSpline(4, degree, knots="per-feature", outside="clamp")
    state = state_of(basis)
    state["knots"][:, :degree], state["knots"][:, 4 + degree :] = -1, 1
    values = basis.evaluate(torch.tensor([[-9.0], [-1.0], [1.0], [9.0]], dtype=torch.float64), state).squeeze(1)
    assert_within(values.sum(-1), torch.ones(4, dtype=torch.float64), 1e-12)
    assert values[:2, 0].tolist() == [1, 1]
    assert values[2:, -1].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grid_size": 0}, "grid_size must be at least 1, got 0"),
        ({"degree": 6}, "degree must be from 0 to 5, got 6"),
        ({"degree": -1}, "degree must be from 0 to 5, got -1"),
        ({"knots": "free"}, "knots must be 'uniform' or 'per-feature', got 'free'"),
        ({"domain": (1, 1)}, r"domain must be two finite numbers \(lo, hi\) with lo < hi, got \(1.0, 1.0\)"),
        ({"domain": (0, np.inf)}, "domain must be two finite numbers"),
        ({"domain": (0, np.nan)}, "domain must be two finite numbers"),
        ({"outside": "repeat"}, "outside must be one of zero, clamp, linear for BSpline, got 'repeat'"),
        ({"degree": 1, "outside": "linear"}, "outside='linear' needs a slope at the ends of the domain"),
    ],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(EdgewiseError, match=message):
        BSpline(**options)
