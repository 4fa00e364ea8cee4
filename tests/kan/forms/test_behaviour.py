import math

import numpy as np
import pytest
import torch

from edgewise import ConfigError
from edgewise.kan.forms.behaviour import Behaviour, Mirrored
from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.grammar import Grammar
from edgewise.kan.forms.search import Search
from edgewise.kan.forms.tree import Tree, constant, number, variable

RNG = np.random.default_rng(0)
X, Y = RNG.uniform(0.1, 2, 100), RNG.uniform(-1, 1, 100)
COLUMNS = [torch.tensor(X), torch.tensor(Y)]
ONE, TWO = variable(0), variable(1)
COSINE, SINE = Tree("cos", (ONE,)), Tree("sin", (TWO,))


def broken(tree, slopes=None, parity=None):
    return Behaviour.of(["x", "y"], slopes or {}, parity or {}, COLUMNS).broken(tree)


def test_even_and_odd():
    assert not broken(ONE**2 + COSINE * TWO, parity={0: 1})
    assert broken(ONE**2 + number(1e-3) * ONE, parity={0: 1}) == "is not even in x"
    assert not broken(ONE**3 * SINE, parity={0: -1, 1: -1})
    assert broken(ONE**3 * SINE + number(0.1), parity={1: -1}) == "is not odd in y"
    assert broken(Tree("log", (ONE,)), parity={0: 1}) == "is not even in x"


def test_slopes_on_rows_and_beyond_them():
    assert not broken(ONE**2 + TWO, {0: 1, 1: 1})  # the range of x is of one sign, and stays so
    assert broken(TWO**2, {1: 1}) == "does not rise with y everywhere"
    assert broken(TWO, {1: -1}) == "does not fall with y everywhere"
    assert not broken(ONE, {1: -1})  # which it does not depend on
    assert not broken(number(3.0), {1: -1})
    edge = TWO + number(-0.49) * TWO**2  # which turns at 1.02, beyond the rows
    assert edge([COLUMNS[0], torch.tensor([0.99, 1.0])]).diff() > 0
    assert broken(edge, {1: 1}) == "does not rise with y everywhere"


def test_what_cannot_be():
    with pytest.raises(ConfigError, match="what is even in y does not fall with it on both sides of 0"):
        broken(ONE, {1: -1}, {1: 1})
    assert not broken(ONE**2, {0: 1}, {0: 1})
    with pytest.raises(ConfigError, match="in up to 4 columns, got 5"):
        Behaviour.of(list("abcde"), {}, dict.fromkeys(range(5), 1), [COLUMNS[0]] * 5)


def test_mirrored_rows_tell_no_more_than_the_rows():
    """An even formula has the same error, criterion and constants with their errors on both."""
    y = 2 * np.cos(1.3 * X) + Y + 0.1 * RNG.normal(size=100)
    rows, tree = Rows(COLUMNS, y, RNG.uniform(1, 2, 100)), constant(1.9) * Tree("cos", (constant(1.2) * ONE,)) + TWO
    mirrored = Mirrored(rows, {0: 1})
    plain, both = rows.fitted(tree), mirrored.fitted(tree)
    assert (len(mirrored), len(mirrored.y)) == (100, 200)
    assert both.score == pytest.approx(plain.score, rel=1e-9)
    np.testing.assert_allclose(both.tree.constants(), plain.tree.constants(), rtol=1e-6)
    np.testing.assert_allclose(mirrored.errors_of(both), rows.errors_of(plain), rtol=1e-5)
    some = mirrored.some(np.array([3, 5]))
    np.testing.assert_allclose(some.columns[0], [X[3], X[5], -X[3], -X[5]])
    odd = Mirrored(rows, {0: -1, 1: -1})
    np.testing.assert_allclose(odd.y, np.concatenate([y, -y, -y, y]))
    assert odd.spread == rows.spread


def test_sums_leave_out_what_is_not_even():
    y = X**2 + 0.3 * X**3  # of which rows of one sign would tell a formula exactly
    behaviour = Behaviour.of(["x"], {}, {0: 1}, COLUMNS[:1])
    rows = Mirrored(Rows(COLUMNS[:1], y), {0: 1})
    search = Search(rows, Grammar(("x", "x^2", "x^3"), behaviour=behaviour), lambda: math.inf)
    search.run()
    assert len(search.found) > 2
    at = [torch.linspace(-2, 2, 41).double()]
    for fitted in search.found.values():
        values = fitted.tree(at)
        torch.testing.assert_close(values, values.flip(0), atol=1e-6, rtol=1e-6)
