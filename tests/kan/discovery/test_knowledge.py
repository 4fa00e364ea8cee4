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
        ({"monotone": {"x": 2}}, "monotone is 1 for a column with which the formula rises .*, got 2 for x"),
        ({"even": "x", "odd": ("x", "y")}, "what is even and odd in x is 0"),
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


def behaves(y, x=None, seconds=2, **known):
    x = RNG.uniform(-2, 3, (200, 2)) if x is None else x
    y = y(*x.T)
    noisy = y + 0.03 * y.std() * RNG.normal(size=len(y))
    return discover(x, noisy, names=["u", "v"], known=Knowledge(**known), seed=0, max_time=seconds)


def test_an_even_formula():
    found = behaves(lambda u, v: u**2 * v + np.cos(u), even="u")
    u = found.formula.variables[0]
    for member in found.front:
        expression = member.formula.expressions[0]
        assert (expression - expression.subs(u, -u)).expand() == 0
    assert found.formula.relative < 0.04


def test_an_odd_formula_of_a_column_that_is_never_negative():
    """What is known of the other sign makes a sum of powers one of odd powers."""
    x = np.stack([RNG.uniform(0.1, 2, 150), RNG.uniform(-1, 1, 150)], 1)
    found = behaves(lambda u, v: np.sin(u) * (1 + v**2), x, odd="u", even=["v"])
    u, v = found.formula.variables
    for member in found.front:
        expression = member.formula.expressions[0]
        assert (expression + expression.subs(u, -u)).expand() == 0
        assert (expression - expression.subs(v, -v)).expand() == 0
    assert found.formula.relative < 0.05


@pytest.mark.filterwarnings("ignore:the best formula that fits what is known")
def test_a_monotone_formula():
    x = RNG.uniform(0.5, 3, (200, 2))
    found = behaves(lambda u, v: np.tanh(2 * u) - 0.1 * v + 0.02 * np.sin(3 * v), x, monotone={"u": 1, "v": -1})
    mesh = np.stack(np.meshgrid(np.linspace(0.26, 3.2, 60), np.linspace(0.26, 3.2, 60), indexing="ij"), -1)
    for member in found.front:
        values = member.formula(mesh.reshape(-1, 2))[:, 0].reshape(60, 60) + np.zeros((60, 60))
        assert (np.diff(values, axis=0) >= -1e-9).all()
        assert (np.diff(values, axis=1) <= 1e-9).all()
    assert found.formula.relative < 0.5


def test_what_a_behaviour_keeps_away_is_said():
    with pytest.warns(
        EdgewiseWarning, match="one that does not fall with u everywhere, leaves .*: look whether that is known"
    ):
        found = behaves(lambda u, v: u + v, monotone={"u": -1})
    assert not found.formula.expressions[0].has(found.formula.variables[0])


def test_behaviours_that_cannot_be():
    with pytest.raises(ConfigError, match="unknown column 'w'"):
        behaves(lambda u, v: u, even="w")
    with pytest.raises(ConfigError, match="what is even in u does not rise with it on both sides of 0"):
        behaves(lambda u, v: u, even="u", monotone={"u": 1})
    with pytest.raises(ConfigError, match="leave out hidden= and loss="):
        discover(np.eye(3), np.arange(3.0), hidden=(), known=Knowledge(even="x_1"))
    with pytest.raises(ConfigError, match="no formula was found that fits what is known of it"):
        behaves(lambda u, v: u + v, odd="u", form="v + f(u)", seconds=0.3)


def test_constants_of_a_form_that_do_not_behave():
    with pytest.raises(ConfigError, match="the form does not behave as is known of it"):
        behaves(lambda u, v: u + v, form="a*u + b*v + c", monotone={"u": -1})


def test_the_longest_formula_of_a_form_is_that_of_the_whole():
    x = RNG.uniform(1, 3, (100, 2))
    told = {"names": ["u", "v"], "seed": 0, "max_time": 1}
    found = discover(x, x[:, 0] + x[:, 1] ** 2, known=Knowledge(form="u + f(v)", longest=5), **told)
    assert str(found.formula) == "u + v**2"
    with pytest.raises(ConfigError, match="is written with 3 numbers, variables and operations already"):
        discover(x, x[:, 0], known=Knowledge(form="u + f(v)", longest=2), **told)


def test_three_rows_and_a_form():
    x = RNG.uniform(1, 3, (3, 1))
    found = discover(x, 2 * x[:, 0] + 1, names=["u"], known=Knowledge(form="a*u + b"), seed=0, max_time=1)
    assert found.chosen.names == ("a", "b")
    np.testing.assert_allclose([value for value, _ in found.chosen.constants], [2, 1], atol=1e-9)
