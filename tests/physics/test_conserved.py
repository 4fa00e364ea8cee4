"""Laws that conserve a quantity, from series that scipy integrated."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from edgewise import ConfigError, DataError, EdgewiseWarning
from edgewise.physics import discover_conserving, discover_hamiltonian
from edgewise.testing import assert_within

INERTIA = np.array([1.0, 2.0, 3.0])
PREY = "hare - 3*log(hare) + lynx - 1.5*log(lynx)"
TURNING = "a^2/2 + b^2/4 + c^2/6"


def measured(rate, start, end, noise=0.0, count=800, seed=0):
    t = np.linspace(0, end, count)
    x = solve_ivp(rate, (0, end), start, t_eval=t, rtol=1e-10, atol=1e-12).y.T
    x = x + noise * x.std(0) * np.random.default_rng(seed).standard_normal(x.shape)
    return torch.tensor(t), torch.tensor(x)


def hunt(t, y):
    return [1.5 * y[0] - y[0] * y[1], -3 * y[1] + y[0] * y[1]]


def swing(t, y):
    return [y[1], -2 * np.sin(y[0])]


def turn(t, spin):
    return np.cross(spin, spin / INERTIA)


def rub(t, y):
    return [y[1], -2 * np.sin(y[0]) - 0.2 * y[1]]


def of(law):
    return dict(zip(law.terms, law.coefficients, strict=True))


@pytest.mark.parametrize(("noise", "bound"), [(0.0, 1e-6), (0.01, 2e-3), (0.05, 1e-2)])
def test_laws_that_keep_a_known_quantity(noise, bound):
    found = discover_conserving(*measured(hunt, [2, 1], 10, noise), PREY, names=("hare", "lynx"))
    hare, lynx = found.laws
    assert of(hare) == pytest.approx({"hare": 1.5, "hare*lynx": -1}, abs=3 * bound)
    assert of(lynx) == pytest.approx({"lynx": -3, "hare*lynx": 1}, abs=3 * bound)
    body = discover_conserving(*measured(turn, [1, 0.2, 0.5], 30, noise), TURNING, names="abc")
    wanted = {"b*c": 1 / 3 - 1 / 2}, {"a*c": 1 - 1 / 3}, {"a*b": 1 / 2 - 1}  # (1/I_k - 1/I_j) L_j L_k
    for law, true in zip(body.laws, wanted, strict=True):
        assert of(law) == pytest.approx(true, abs=bound)
        assert law.errors[0] < bound


def test_the_quantity_is_kept_to_rounding_whatever_the_noise():
    found = discover_conserving(*measured(turn, [1, 0.2, 0.5], 30, 0.05), TURNING, names="abc")
    x = torch.randn(50, 3, dtype=torch.double)
    slope = x / torch.tensor(INERTIA)
    assert (slope * found.rates(x)).sum(1).abs().max() < 1e-14
    numbers = {"a": x[:, 0].numpy(), "b": x[:, 1].numpy(), "c": x[:, 2].numpy()}
    expected = np.stack([eval(law.formula, {}, numbers) for law in found.laws], 1)
    assert_within(found.rates(x), torch.tensor(expected), 1e-4)
    assert str(found).startswith("H = ")


@pytest.mark.parametrize(("noise", "bound"), [(0.0, 1e-6), (0.02, 0.02)])
def test_an_energy_is_found(noise, bound):
    found = discover_hamiltonian(*measured(swing, [2.5, 0], 20, noise), names=("q", "p"))
    assert of(found.conserved) == pytest.approx({"p**2": 0.5, "cos(q)": -2}, abs=bound)
    assert max(found.conserved.errors) < bound
    assert of(found.laws[1]) == pytest.approx({"sin(q)": -2}, abs=bound)
    assert found.conserved.front[1][1] == found.conserved.rest < found.conserved.front[0][1]


def test_two_positions_and_two_momenta():
    """The energy of Henon and Heiles, (x^2 + y^2 + u^2 + v^2)/2 + x^2 y - y^3/3."""

    def rate(t, y):
        return [y[2], y[3], -y[0] - 2 * y[0] * y[1], -y[1] - y[0] ** 2 + y[1] ** 2]

    found = discover_hamiltonian(*measured(rate, [0.2, 0.1, 0.3, 0.3], 60), names="xyuv", degree=3, functions=())
    wanted = {"x**2": 0.5, "y**2": 0.5, "u**2": 0.5, "v**2": 0.5, "x**2*y": 1, "y**3": -1 / 3}
    assert of(found.conserved) == pytest.approx(wanted, abs=1e-5)


def test_errors_are_the_spread_over_draws_of_the_noise():
    found = [discover_conserving(*measured(hunt, [2, 1], 10, 0.02, 400, s), PREY, names=("hare", "lynx")) for s in range(8)]
    numbers = np.array([f.laws[0].coefficients for f in found])
    errors = np.mean([f.laws[0].errors for f in found], 0)
    assert np.all(errors > 0.5 * numbers.std(0, ddof=1))
    assert np.all(errors < 2.0 * numbers.std(0, ddof=1))


def test_what_conserves_nothing_is_said():
    motion = measured(rub, [2.5, 0], 20)
    with pytest.warns(
        EdgewiseWarning, match=r"that keeps H = v\^2/2 - 2\*cos\(x\) explains the motions, in which H goes from -1.\d+ to 1"
    ):
        discover_conserving(*motion, "v^2/2 - 2*cos(x)", names=("x", "v"), degree=1)
    with pytest.warns(EdgewiseWarning, match="no energy of up to 8 terms explains the motions"):
        discover_hamiltonian(*motion, names=("q", "p"))


def test_what_is_refused():
    t, x = measured(swing, [2.5, 0], 20, count=60)
    with pytest.raises(ConfigError, match=r"'3' must depend on some of at least two states \(x_1, x_2\)"):
        discover_conserving(t, x, "3")
    with pytest.raises(ConfigError, match="unknown variable 'z'"):
        discover_conserving(t, x, "z^2", names=("x", "v"))
    with pytest.raises(ConfigError, match=r"H = log\(x_1\) \+ x_2 is not finite at some states"):
        discover_conserving(t, x, "log(x_1) + x_2")
    with pytest.raises(ConfigError, match=r"that follow from log\(q\) are not finite at some states"):
        discover_hamiltonian(t, x * 0 + torch.arange(60)[:, None], names=("q", "p"), functions=("log",))
    with pytest.raises(ConfigError, match="positions and as many momenta behind them, got 1 states"):
        discover_hamiltonian(t, x[:, :1])
    with pytest.raises(ConfigError, match="names must be 2 different ones"):
        discover_hamiltonian(t, x, names=("q",))
    with pytest.raises(DataError, match="must fit, got shapes"):
        discover_conserving(t[:50], x, "x_1 + x_2")
