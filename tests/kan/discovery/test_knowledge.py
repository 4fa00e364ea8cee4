import numpy as np
import pytest

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
