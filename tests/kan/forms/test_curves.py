import math

import numpy as np
import pytest
import torch

from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.curves import Curves, used
from edgewise.kan.forms.families import families
from edgewise.kan.forms.targets import targets
from edgewise.kan.forms.tree import Tree, constant, variable
from edgewise.kan.functions import FUNCTIONS

X = np.random.default_rng(0).uniform(0.4, 9, 150)


ITSELF = variable(0)


def found(y, functions=FUNCTIONS, inner=ITSELF, left=lambda: math.inf):
    rows = Rows([torch.tensor(X)], y)
    shape = Curves("curves", 1, 1, inner, inner(rows.columns), frozenset(functions))
    return [rows.fitted(tree) for _, tree in shape.trees(next(targets(rows, FUNCTIONS)), left)]


@pytest.mark.parametrize(
    "y",
    [
        3 / (np.exp(0.4 * X) + np.exp(-0.4 * X)) + 1,
        1.7 * np.exp(-0.23 * X) * np.cos(3.1 * X - 0.6) + 0.5,
        3.1 * np.exp(-2.2 * X) - 1.4 * np.exp(-0.31 * X),
        2 + 7 * X**2.3 / (X**2.3 + 19),
        4 - 2 * np.exp(-((X / 4.2) ** 1.4)),
        6 * np.exp(-2.2 * np.exp(-0.7 * X)),
        9 - 41 / (12 + X),
        X**3 / (np.exp(0.9 * X) - 1),
        1 / np.tanh(0.7 * X) - 1 / (0.7 * X),
        1.2 * (X + 2.7) ** 0.63,
        X**1.3 * np.exp(-2.9 / X),
        np.arcsin(0.09 * X),
        0.4 / (1 + 1.3 * (X - 5.2) ** 2),
        2.3 / np.sqrt(113 - X**2) - 1,
    ],
)
def test_a_curve_with_two_numbers_is_found(y):
    assert min(fitted.error for fitted in found(y)) < 1e-10


def test_a_curve_of_the_reciprocal_is_one_of_the_column():
    best = min(found(np.tanh(2.1 / X), inner=variable(0) ** -1), key=lambda fitted: fitted.error)
    beyond = torch.linspace(10, 12, 5, dtype=torch.double)
    torch.testing.assert_close(best.tree([beyond]), torch.tanh(2.1 / beyond), rtol=1e-8, atol=0)


def test_functions_that_are_not_allowed_are_not_used():
    allowed = {"x", "1/x", "exp"}
    several = found(np.tanh(X), functions=allowed)
    assert several
    assert all(used(fitted.tree) <= allowed for fitted in several)


def test_it_ends_when_the_time_is_up():
    assert found(np.tanh(X), left=lambda: 0.0) == []


def test_names_of_functions_are_told():
    free = Tree("^", (variable(0), constant(1.1)))
    assert used(free + Tree("exp", (variable(0) ** -1,)) * variable(0) ** 3) == {"x^1.5", "exp", "1/x", "x^3"}


def test_columns_that_change_their_sign_have_no_free_powers():
    signed = torch.linspace(-1, 1, 20, dtype=torch.double)
    assert len(list(families(signed))) < len(list(families(signed + 2)))
    for family in families(signed):
        assert all(torch.isfinite(term([signed])).all() for term in family.at(family.first[0], family.second[-1]))
