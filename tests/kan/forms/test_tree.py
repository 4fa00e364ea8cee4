import math

import pytest
import sympy
import torch

from edgewise.kan.forms.tree import Tree, constant, has_pole, tree_of, variable
from edgewise.kan.functions import FUNCTIONS
from edgewise.kan.interpret.rounding import rounded

X, Y = sympy.symbols("x y", real=True)
ROWS = [torch.linspace(0.1, 0.9, 20, dtype=torch.double), torch.linspace(2.0, 1.1, 20, dtype=torch.double)]
BOTH = constant(2.5) * variable(0) ** 2 * Tree("sin", (constant(0.7) * variable(1),)) + constant(-1.0)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "0"])
def test_functions_are_those_of_sympy(name):
    tree = Tree(name, (variable(0),))
    wanted = [float(tree.expression([X]).subs(X, v)) for v in ROWS[0].tolist()]
    torch.testing.assert_close(tree(ROWS), torch.tensor(wanted, dtype=torch.double), rtol=1e-12, atol=1e-12)


def test_values_and_other_constants():
    torch.testing.assert_close(BOTH(ROWS), 2.5 * ROWS[0] ** 2 * torch.sin(0.7 * ROWS[1]) - 1)
    assert BOTH.constants() == [2.5, 0.7, -1.0]
    other = BOTH.with_constants([1.0, 2.0, 3.0])
    torch.testing.assert_close(other(ROWS), BOTH(ROWS, [1.0, 2.0, 3.0]))
    torch.testing.assert_close(other(ROWS), ROWS[0] ** 2 * torch.sin(2 * ROWS[1]) + 3)
    torch.testing.assert_close(constant(4.0)(ROWS), torch.full((20,), 4.0, dtype=torch.double))


def test_there_and_back():
    formula = 2.5 * X**2 * sympy.sin(0.7 * Y) + sympy.exp(-X) / (1 + Y) - 3
    tree = tree_of(formula, [X, Y])
    assert sorted(tree.constants()) == [0.7, 2.5]
    assert rounded(tree.expression([X, Y]), 10) == rounded(formula, 10)
    assert tree_of(sympy.gamma(X), [X]) is None


def test_an_exponential_of_a_logarithm_is_a_power():
    tree = Tree("exp", (variable(1) * Tree("log", (variable(0),)),))
    assert tree.expression([X, Y]) == X**Y
    torch.testing.assert_close(tree(ROWS), ROWS[0] ** ROWS[1])


def test_lengths():
    assert (constant(2.0) * variable(0) + constant(1.0)).length() == 5
    assert (variable(0) ** 2).length() == 3
    assert variable(0) ** 1 == variable(0)


def test_poles_are_seen_between_rows():
    rows = [torch.tensor([-1.0, 1.0, 2.0], dtype=torch.double)]
    shifted = (variable(0) + constant(-0.5)) ** -1
    assert has_pole(constant(2.0) * shifted, rows)
    assert not has_pole((variable(0) + constant(3.0)) ** -1, rows)
    assert not has_pole(variable(0) ** -1, rows)  # of a column itself the rows say how it goes on
    assert not has_pole((variable(0) + constant(-0.5)) ** 2, rows)
    assert math.isinf(float(shifted([torch.tensor([0.5], dtype=torch.double)])))
