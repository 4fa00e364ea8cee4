import numpy as np
import pytest

from edgewise.kan.forms.dimensions import Dimensions
from edgewise.kan.forms.tree import Tree, constant, number, variable

WAY, TIME, MASS, PLAIN = map(variable, range(4))
COLUMNS = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]  # powers of length, time, mass
SPEED, ENERGY, NONE, ACCELERATION = [1, -1, 0], [2, -2, 1], [0, 0, 0], [1, -2, 0]
C = constant(2.0)


def f(name, tree):
    return Tree(name, (tree,))


@pytest.mark.parametrize(
    ("tree", "target", "constants", "fits"),
    [
        (C * WAY * TIME**-1, SPEED, (), True),
        (C * WAY * TIME**-1 + C * PLAIN * WAY * TIME**-1, SPEED, (), True),
        (C * WAY * TIME**-1 + C, SPEED, (), False),  # a number added to a speed
        (C * WAY * TIME**-1 + C, SPEED, [SPEED], True),  # a speed that is fitted
        (C * WAY * TIME**-1 + C * TIME, SPEED, (), False),
        (C * WAY * TIME**-1 + C * TIME, SPEED, [ACCELERATION], True),
        (C * WAY * TIME**-1 + number(5) * TIME, SPEED, [ACCELERATION], False),  # a number has no unit
        (WAY + TIME, SPEED, [SPEED], False),  # nothing that could carry one
        (C * MASS * (WAY * TIME**-1) ** 2, ENERGY, (), True),
        ((WAY**2 * TIME**-2 + C * WAY**2 * TIME**-2) ** 0.5, SPEED, (), True),
        ((C * WAY) ** 0.5, SPEED, [ACCELERATION], True),  # the root of 2 g h
        (f("sin", WAY), NONE, (), False),
        (f("sin", PLAIN), NONE, (), True),
        (f("exp", C * TIME), NONE, (), False),
        (f("exp", C * TIME), NONE, [[0, 1, 0]], True),  # one over a time is a power of it
        (f("log", TIME), NONE, [[0, 1, 0]], False),
        (f("abs", WAY * TIME**-1), SPEED, (), True),
        (Tree("^", (PLAIN, constant(0.3))), NONE, (), True),
        (Tree("^", (TIME, constant(0.3))), NONE, (), False),
        (C * Tree("^", (TIME, constant(0.3))), NONE, [[0, 1, 0]], True),
        (Tree("^", (PLAIN, WAY)), NONE, (), False),
        (C, NONE, (), True),
    ],
)
def test_what_fits(tree, target, constants, fits):
    assert Dimensions(COLUMNS, target, constants).fits(tree) is fits


def test_products_that_may_be_terms():
    powers = np.array([[1, -1, 0], [1, 0, 0], [1, -2, 0]], dtype=float)
    assert Dimensions(COLUMNS, SPEED).terms(powers).tolist() == [True, False, False]
    assert Dimensions(COLUMNS, SPEED, [[0, 1, 0]]).terms(powers).tolist() == [True, True, True]
    assert Dimensions(COLUMNS, SPEED).like(2).terms(2 * powers).tolist() == [True, False, False]


def test_what_can_be_reached_at_all():
    assert Dimensions(COLUMNS[:2], SPEED).is_within_reach
    assert not Dimensions(COLUMNS[:2], ENERGY).is_within_reach
    assert Dimensions(COLUMNS[:2], ENERGY, [[0, 0, 1]]).is_within_reach
    assert Dimensions([[0]], [0]).is_within_reach
    assert Dimensions(COLUMNS, NONE).takes_constant
    assert not Dimensions(COLUMNS, SPEED).takes_constant
