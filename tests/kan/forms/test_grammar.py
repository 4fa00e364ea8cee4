import math

import numpy as np
import pytest
import torch

from edgewise.kan.discovery.clock import Clock
from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.dimensions import Dimensions
from edgewise.kan.forms.grammar import Grammar
from edgewise.kan.forms.search import Search
from edgewise.kan.forms.tree import constant, variable

RNG = np.random.default_rng(0)
WAY, TIME = RNG.uniform(1, 4, (2, 200))
SPEED = Dimensions([[1, 0], [0, 1]], [1, -1])
NAMES = ("x", "x^2", "1/x", "1/x^2", "sqrt", "exp", "log")


def searched(y, grammar, seconds=3.0):
    clock = Clock(seconds)
    search = Search(Rows([torch.tensor(WAY), torch.tensor(TIME)], y), grammar, lambda: clock.left)
    search.run()
    return search


def test_only_formulas_of_the_right_unit_are_found():
    search = searched(3 * WAY / TIME + 0.02 * RNG.normal(size=200), Grammar(NAMES, SPEED), seconds=0.5)
    assert all(SPEED.fits(fitted.tree) for fitted in search.found.values())
    best = search.allowed[0]
    assert best.tree([torch.tensor([2.0]), torch.tensor([4.0])]).item() == pytest.approx(1.5, rel=0.02)
    free = searched(3 * WAY / TIME + 0.02 * RNG.normal(size=200), Grammar(NAMES), seconds=0.5)
    assert not all(SPEED.fits(fitted.tree) for fitted in free.found.values())


def test_constants_may_carry_units_that_are_named():
    grammar = Grammar(NAMES, Dimensions([[1, 0], [0, 1]], [1, -1], [[1, -2]]))
    search = searched(WAY / TIME + 9.81 * TIME, grammar)
    assert search.is_exact
    assert search.allowed[0].tree.constants() == [pytest.approx(9.81)]


def test_the_longest_that_is_allowed():
    y = 2.5 * WAY + 0.3 * TIME**2
    short = searched(y, Grammar(NAMES, longest=5), seconds=0.5).allowed
    assert short
    assert max(fitted.tree.length() for fitted in short) == 5
    assert searched(y, Grammar(NAMES)).allowed[0].tree.length() > 5
    line = constant(1.0) * variable(0) + constant(0.0)
    assert [Grammar(NAMES, longest=most).may_lead_to(line) for most in (0, 1, math.inf)] == [False, True, True]
