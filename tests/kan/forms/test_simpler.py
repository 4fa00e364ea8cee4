import math

import numpy as np
import pytest
import sympy
import torch

from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.simpler import simple_values, simpler, tidy
from edgewise.kan.forms.tree import Tree, constant, number, variable
from edgewise.kan.interpret.rounding import rounded

S = sympy.Symbol("x", real=True)
X = np.random.default_rng(0).uniform(0, 3, 200)


def made_simpler(y, tree, left=lambda: math.inf):
    rows = Rows([torch.tensor(X)], y)
    return simpler(rows, rows.fitted(tree), left).tree.expression([S])


LONG = (
    constant(1.0) * Tree("sin", (constant(3.0) * variable(0),))
    + constant(0.1) * variable(0) ** 2
    + constant(0.1) * variable(0)
    + constant(0.1)
)


@pytest.mark.parametrize("noise", [0, 0.05])
def test_terms_that_are_none_go_and_constants_become_simple(noise):
    y = 2 * np.sin(np.pi * X) + X**2 / 2 + noise * np.random.default_rng(2).normal(size=200)
    assert rounded(made_simpler(y, LONG), 10) == 2 * sympy.sin(sympy.pi * S) + S**2 / 2


def test_constants_that_are_not_simple_stay():
    y = 1.2345 * np.sin(2.7183 * X)
    found = made_simpler(y, constant(1.0) * Tree("sin", (constant(2.5) * variable(0),)))
    assert sorted(float(n) for n in found.atoms(sympy.Float)) == pytest.approx([1.2345, 2.7183], rel=1e-9)


def test_nothing_is_tried_when_the_time_is_up():
    rows = Rows([torch.tensor(X)], X)
    fitted = rows.fitted(LONG)
    assert simpler(rows, fitted, lambda: 0.0) == fitted


def test_simple_values_are_near():
    assert 0.75 in simple_values(0.749)
    assert math.pi / 2 in simple_values(1.5709)


def test_tidy():
    x = variable(0)
    assert tidy(Tree("+", (x, number(0.0)))) == x
    assert tidy(Tree("*", (x, number(1.0)))) == x
    assert tidy(Tree("*", (x, number(0.0)))) == number(0.0)
    assert tidy(Tree("^", (x, number(1.0)))) == x
    assert tidy(Tree("^", (x, number(0.0)))) == number(1.0)
    assert tidy(Tree("+", ())) == number(0.0)
