import numpy as np
import pytest
import torch
from scipy.optimize import curve_fit

from edgewise import ConfigError, EdgewiseWarning
from edgewise.kan.discovery import Knowledge, discover
from edgewise.kan.discovery.knowledge import powers

RNG = np.random.default_rng(0)


def test_units_are_read_as_their_dimension():
    assert powers("kg*m/s^2") == powers("N") == {"[mass]": 1, "[length]": 1, "[time]": -2}
    assert powers("km") == powers("m")
    assert powers("1") == powers("rad") == {}
    assert Knowledge("m, kg*m/s^2", "s").units == ("m", "kg*m/s^2")


@pytest.mark.parametrize("unit", ["metre per", "blub", "2 +", "m/", "3*m", "__import__('os')", "m s m ("])
def test_units_that_cannot_be_parsed(unit):
    with pytest.raises(ConfigError, match=r"is no unit that can be parsed .*: write it such as 'kg\*m/s\^2'"):
        Knowledge(units=(unit,), target="m")


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"units": ("m",)}, "give the target's too"),
        ({"target": "m"}, "give those of the columns too"),
        ({"constants": ("m",)}, "without the units of columns and target"),
        ({"longest": 0}, "at least 1 number or variable, got 0"),
        ({"forbidden": ("sine",)}, "did you mean 'sin'"),
        ({"form": "m*"}, "is no formula"),
        ({"form": 3}, "a formula is a string"),
    ],
)
def test_what_cannot_be_known(told, message):
    with pytest.raises(ConfigError, match=message):
        Knowledge(**told)


def test_units_that_cannot_match():
    x = RNG.uniform(1, 4, (50, 2))
    with pytest.raises(ConfigError, match=r"no product of powers of a \[m\], b \[s\] has the unit 'kg' of the target"):
        discover(x, x[:, 0], names=["a", "b"], known=Knowledge(units=("m", "s"), target="kg"))
    with pytest.raises(ConfigError, match=r"2 columns \(x_1, x_2\) want 2 units, got 1"):
        discover(x, x[:, 0], known=Knowledge(units=("m",), target="m"))
    with pytest.raises(ConfigError, match="leave out hidden= and loss="):
        discover(x, x[:, 0], hidden=(), known=Knowledge(longest=3))
    with pytest.raises(ConfigError, match="all functions to choose from are forbidden: x"):
        discover(x, x[:, 0], functions=["x"], known=Knowledge(forbidden=("x",)))


def test_a_front_of_the_right_unit():
    mass, speed, height = RNG.uniform(1, 4, (3, 200))
    energy = 0.5 * mass * speed**2 + 9.81 * mass * height
    noisy = energy + 0.02 * energy.std() * RNG.normal(size=200)
    known = Knowledge(units=("kg", "m/s", "m"), target="J", constants=("m/s^2",))
    found = discover(np.stack([mass, speed, height], 1), noisy, names=["m", "v", "h"], known=known, max_time=2, seed=0)
    chosen = found.formula.expressions[0]
    m, _, h = found.formula.variables
    assert {str(term.as_coeff_Mul()[1]) for term in chosen.args} == {"m*v**2", "h*m"}
    assert float(chosen.coeff(h * m)) == pytest.approx(9.81, rel=0.05)
    assert not [member for member in found.front if member.formula.expressions[0].is_number]


def test_of_no_unit_but_the_right_one():
    x = RNG.uniform(1, 4, (40, 2))
    known = Knowledge(units="m, s", target="m/s", longest=1)
    with pytest.raises(ConfigError, match="no formula with at most 1 numbers, variables and operations was found"):
        discover(x, x[:, 0] / x[:, 1], known=known, max_time=0.5, seed=0)


def test_what_the_units_keep_away_is_said():
    way, time = RNG.uniform(1, 4, (2, 150))
    with pytest.warns(EdgewiseWarning, match="one that does not fit the units, leaves"):
        found = discover(np.stack([way, time], 1), way / time + 3 * time, names=["s", "t"], seed=0, max_time=2,
                         known=Knowledge(units=("m", "s"), target="m/s"))  # fmt: skip
    assert str(found.chosen).endswith("s/t")


def test_the_longest_formula():
    x = RNG.uniform(1, 3, (150, 2))
    y = 3 * x[:, 0] + np.exp(x[:, 1])
    found = discover(x, y, known=Knowledge(longest=5), max_time=1, seed=0)
    assert max(member.length for member in found.front) <= 5


def test_a_form_is_kept_and_its_function_found():
    mass, a, v = RNG.uniform(0.5, 3, (3, 150))
    y = 9.81 * mass * a + 0.5 * v**2
    x = np.stack([mass, a, v], 1)
    found = discover(x, y, names=["m", "a", "v"], known=Knowledge(form="9.81*m*a + f(v)"), seed=0)
    assert str(found.formula) == "9.81*a*m + v**2/2"
    assert all("9.81*a*m" in str(member) for member in found.front)
    np.testing.assert_allclose(found.in_units()(torch.tensor(x)).detach()[:, 0], y, rtol=1e-9)
    noisy = y + 0.005 * y.std() * RNG.normal(size=150)
    found = discover(x, noisy, names=["m", "a", "v"], known=Knowledge(form="9.81*m*a + f(v)"), seed=0, max_time=2)
    assert all("9.81*a*m" in str(member) for member in found.front)
    assert found.formula.expressions[0].has(found.formula.variables[2] ** 2)


def test_a_form_with_units():
    mass, height, v = RNG.uniform(0.5, 3, (3, 150))
    known = Knowledge("kg, m, m/s", "J", "m/s^2", form="9.81*m*h + f(m, v)")
    found = discover(np.stack([mass, height, v], 1), 9.81 * mass * height + mass * v**2 / 2, names=["m", "h", "v"],
                     known=known, seed=0, max_time=5)  # fmt: skip
    assert str(found.formula) == "9.81*h*m + m*v**2/2"


def test_constants_of_a_form_have_names():
    s = RNG.uniform(0.1, 4, (100, 1))
    y = 2 * s[:, 0] / (0.7 + s[:, 0]) + 0.01 * RNG.normal(size=100)
    wanted, covariance = curve_fit(lambda s, K, V: V * s / (K + s), s[:, 0], y, (1, 1))
    found = discover(s, y, names=["s"], known=Knowledge(form="V*s/(K + s)"), seed=0, max_time=2)
    assert found.chosen.names == ("K", "V")
    np.testing.assert_allclose(found.chosen.constants, np.stack([wanted, np.sqrt(np.diag(covariance))], 1), rtol=1e-3)
    assert found.chosen.uncertainties.startswith("K = 0.")
    assert len(found.front) == 1


def test_what_the_form_keeps_away_is_said():
    x = RNG.uniform(0.5, 3, (150, 2))
    with pytest.warns(EdgewiseWarning, match=r"one that has not the form 'x_1 \+ f\(x_2\)', leaves"):
        discover(x, x[:, 0] * x[:, 1], known=Knowledge(form="x_1 + f(x_2)"), seed=0, max_time=2)


def test_a_form_that_has_what_is_forbidden():
    x = RNG.uniform(0.5, 3, (50, 2))
    with pytest.raises(ConfigError, match=r"has sin, x\^2, which is forbidden"):
        discover(x, x[:, 0], known=Knowledge(form="sin(x_1^2) + f(x_2)", forbidden=("sin", "x^2", "cos")))
