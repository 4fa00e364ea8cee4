"""Laws of motion from series that scipy integrated, with and without noise."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from edgewise import ConfigError, DataError, EdgewiseWarning
from edgewise.physics import discover_dynamics
from edgewise.testing import assert_within

MOTIONS = {
    "van der Pol": (lambda t, y: [y[1], (1 - y[0] ** 2) * y[1] - y[0]], [2, 0], 20),
    "Lotka-Volterra": (lambda t, y: [1.5 * y[0] - y[0] * y[1], -3 * y[1] + y[0] * y[1]], [2, 1], 10),
    "pendulum": (lambda t, y: [y[1], -2 * np.sin(y[0]) - 0.2 * y[1]], [2.5, 0], 20),
}
LAWS = {
    "van der Pol": [{"y": 1}, {"x": -1, "y": 1, "x**2*y": -1}],
    "Lotka-Volterra": [{"x": 1.5, "x*y": -1}, {"y": -3, "x*y": 1}],
    "pendulum": [{"y": 1}, {"y": -0.2, "sin(x)": -2}],
}


def measured(name, noise=0.0, count=1000, seed=0, start=None):
    rate, first, end = MOTIONS[name]
    t = np.linspace(0, end, count)
    x = solve_ivp(rate, (0, end), start or first, t_eval=t, rtol=1e-10, atol=1e-12).y.T
    x = x + noise * x.std(0) * np.random.default_rng(seed).standard_normal(x.shape)
    return torch.tensor(t), torch.tensor(x)


@pytest.mark.parametrize(("noise", "bound"), [(0.0, 1e-6), (0.01, 0.01), (0.05, 0.05)])
@pytest.mark.parametrize("name", MOTIONS)
def test_the_laws_are_found(name, noise, bound):
    found = discover_dynamics(*measured(name, noise), names=("x", "y"))
    for law, true in zip(found.laws, LAWS[name], strict=True):
        assert set(law.terms) == set(true)
        for term, number, error in zip(law.terms, law.coefficients, law.errors, strict=True):
            assert number == pytest.approx(true[term], abs=bound)
            assert error < bound
        assert [len(front) for front in law.front] == [2] * 8


def test_formulas_are_python_and_rates_are_theirs():
    _, x = measured("pendulum")
    found = discover_dynamics(*measured("pendulum", 0.01), names=("x", "y"))
    names = {"x": x[:, 0].numpy(), "y": x[:, 1].numpy(), "sin": np.sin}
    expected = np.stack([eval(law.formula, {}, names) for law in found.laws], 1)
    assert_within(found.rates(x), torch.tensor(expected), 1e-5)
    assert str(found) == "\n".join(f"{law.state}' = {law.formula}" for law in found.laws)


def test_errors_are_the_spread_over_draws_of_the_noise():
    found = [discover_dynamics(*measured("Lotka-Volterra", 0.02, 500, seed)).laws[0] for seed in range(8)]
    assert {law.terms for law in found} == {("x_1", "x_1*x_2")}
    numbers = np.array([law.coefficients for law in found])
    errors = np.mean([law.errors for law in found], 0)
    assert np.all(errors > 0.6 * numbers.std(0, ddof=1))
    assert np.all(errors < 2.0 * numbers.std(0, ddof=1))


def test_several_motions_count_together():
    pairs = [measured("Lotka-Volterra", 0.05, 300, 1), measured("Lotka-Volterra", 0.05, 300, 2, start=[3, 2])]
    found = discover_dynamics(*map(list, zip(*pairs, strict=True)), names=("x", "y"))
    assert [set(law.terms) for law in found.laws] == [set(law) for law in LAWS["Lotka-Volterra"]]


def test_what_no_sum_explains_is_said():
    """x' = y, y' = -x^(1/3) with functions that have no such power."""
    t = np.linspace(0, 20, 800)
    x = solve_ivp(lambda t, y: [y[1], -np.cbrt(y[0])], (0, 20), [1, 0], t_eval=t, rtol=1e-10, atol=1e-12).y.T
    with pytest.warns(EdgewiseWarning, match="no sum of up to 3 terms explains y': try other functions"):
        discover_dynamics(torch.tensor(t), torch.tensor(x), names=("x", "y"), degree=0, functions=("x",))


def test_what_is_refused():
    t, x = measured("pendulum", count=60)
    with pytest.raises(DataError, match="must fit, got shapes"):
        discover_dynamics(t[:50], x)
    with pytest.raises(DataError, match="at least 40 finite states at rising times"):
        discover_dynamics(t[:30], x[:30])
    with pytest.raises(DataError, match="rising times"):
        discover_dynamics(t.flip(0), x)
    with pytest.raises(DataError, match="each motion has times and states, got 2 and 1 of them"):
        discover_dynamics([t, t], [x])
    with pytest.raises(ConfigError, match="names must be 2 different ones"):
        discover_dynamics(t, x, names=("x",))
    with pytest.raises(ConfigError, match=r"log\(x_1\) is not finite at some states"):
        discover_dynamics(t, x, functions=("log",))
