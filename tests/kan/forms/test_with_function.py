import math

import numpy as np
import pytest
import torch

from edgewise import ConfigError
from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.dimensions import Dimensions
from edgewise.kan.forms.form_text import read_form
from edgewise.kan.forms.grammar import Grammar
from edgewise.kan.forms.tree import Tree, constant, variable

RNG = np.random.default_rng(0)
X, V = RNG.uniform(0.5, 3, (2, 100))
RANDOM = RNG.normal(size=100)


def rows(y):
    return Rows([torch.tensor(X), torch.tensor(V)], y)


def seen(text, y):
    whole = rows(y)
    form = read_form(text, ["x", "v"]).settled(whole)
    return form.rows(whole)


@pytest.mark.parametrize(
    ("text", "forward", "slope"),
    [
        ("x*v + f(x, v)", lambda f: X * V + f, lambda f: np.ones(100)),
        ("3.5*v*f(x)", lambda f: 3.5 * V * f, lambda f: 3.5 * V),
        ("x/(v + f(x))", lambda f: X / (V + f), lambda f: -X / (V + f) ** 2),
        ("exp(x*f(v))", lambda f: np.exp(X * f), lambda f: X * np.exp(X * f)),
        ("f(x)/(1 + f(x))", lambda f: f / (1 + f), lambda f: 1 / (1 + f) ** 2),
        ("sqrt(f(x))", np.sqrt, lambda f: 0.5 / np.sqrt(f)),
    ],
)
def test_the_function_is_what_the_form_is_solved_for(text, forward, slope):
    f = RNG.uniform(0.5, 2, 100)
    found = seen(text, forward(f))
    np.testing.assert_allclose(found.y, f, rtol=1e-9)
    wanted = slope(f) ** 2
    np.testing.assert_allclose(found.weight, wanted * 100 / wanted.sum(), rtol=1e-9)


def test_errors_and_slopes_are_those_of_the_target():
    y = X + V * np.exp(0.3 * X) + 0.1 * RANDOM
    found, tree = seen("x + v*f(x)", y), Tree("exp", (constant(0.25) * variable(0),))
    spread = y.std()
    np.testing.assert_allclose(found.off(tree), (X + V * np.exp(0.25 * X) - y) / spread, atol=1e-12)
    np.testing.assert_allclose(found.slopes(tree, [0.25])[:, 0], V * X * np.exp(0.25 * X) / spread, rtol=1e-12)
    whole = found.whole(tree)
    np.testing.assert_allclose(whole(found.outer.columns), X + V * np.exp(0.25 * X), rtol=1e-12)
    some = found.some(np.arange(10))
    np.testing.assert_allclose(some.y, found.y[:10])
    assert len(some) == 10


def test_rows_that_say_nothing_do_not_count():
    x = np.where(np.arange(100) < 5, 0.0, X)
    whole = Rows([torch.tensor(x), torch.tensor(V)], x * V**2)
    found = read_form("x*f(v)", ["x", "v"]).settled(whole).rows(whole)
    assert (found.weight[:5] == 0).all()
    np.testing.assert_allclose(found.y[5:], V[5:] ** 2, rtol=1e-9)
    assert np.isfinite(found.y).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exp(f(x))", r"cannot be the target in \d+ rows, such as row \d+ where it is -"),
        ("f(x)^2 - 9", "f may have 2 values at a row"),
        ("sin(f(x))*9", "f may have 2 values at a row"),
        ("0*f(x) + x", "has nothing unknown"),
    ],
)
def test_targets_that_a_form_cannot_be(text, message):
    with pytest.raises(ConfigError, match=message):
        seen(text, RANDOM)


def test_the_unit_of_the_function_follows():
    kg, m, s = np.eye(3)
    units = Dimensions([kg, m / 1 - 2 * s, m - s], kg + m - 2 * s, [kg / 1 - s])  # mass, acceleration, speed; a force
    inner = read_form("m*a + f(v)", ["m", "a", "v"]).grammar(Grammar(("x",), units)).units
    assert inner.fits(constant(2.0) * variable(0))
    assert not inner.fits(variable(0))
    with pytest.raises(ConfigError, match="adds what has different units"):
        read_form("m*v + f(v)", ["m", "a", "v"]).grammar(Grammar(("x",), units))
    with pytest.raises(ConfigError, match="no product of powers of what f is of"):
        read_form("v*f(a)", ["m", "a", "v"]).grammar(Grammar(("x",), Dimensions(units.columns, units.target)))


def test_what_is_left_of_the_length():
    form = read_form("m*a + f(v)", ["m", "a", "v"])
    assert form.grammar(Grammar(("x",))).longest == math.inf
    assert form.grammar(Grammar(("x",), None, 9)).longest == 5
    with pytest.raises(ConfigError, match="is written with 5 numbers, variables and operations already"):
        form.grammar(Grammar(("x",), None, 4))
