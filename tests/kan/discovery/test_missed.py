import warnings

import numpy as np
import pytest
import torch

from edgewise import EdgewiseWarning
from edgewise.kan.discovery.clock import Clock
from edgewise.kan.discovery.direct import Direct
from edgewise.kan.discovery.missed import look_beyond
from edgewise.kan.fitting.data import Table
from edgewise.kan.forms.dimensions import Dimensions
from edgewise.kan.forms.grammar import Grammar
from edgewise.kan.forms.tree import constant, variable

X = torch.tensor(np.random.default_rng(0).uniform(0.5, 3, (60, 1)))


def after(y, grammar):
    """A search that found a straight line through the origin."""
    direct = Direct(Table(X, y), [0], ["a"], grammar, Clock(None))
    direct.search.keep(direct.used.fitted(constant(1.0) * variable(0)))
    return direct


def test_a_forbidden_function_that_is_the_only_one_that_fits():
    with pytest.warns(EdgewiseWarning, match=r"one that has sin, which is forbidden, leaves \S+: allow it"):
        look_beyond(after(torch.sin(2 * X), Grammar(("x",))), Grammar(("x", "sin")), Clock(None))
    with pytest.warns(EdgewiseWarning, match=r"one that has x\^2, which is forbidden, leaves"):
        look_beyond(after(X**2, Grammar(("x",))), Grammar(("x", "x^2")), Clock(None))


def test_units_that_only_a_constant_with_a_unit_could_have():
    units = Dimensions([[1]], [1])
    with pytest.warns(EdgewiseWarning, match="one that does not fit the units, leaves .*: name the units that constants"):
        look_beyond(after(X**2 + 1, Grammar(("x", "x^2"), units)), Grammar(("x", "x^2")), Clock(None))


def test_what_is_as_good_is_not_spoken_of():
    noisy = X + 0.05 * torch.tensor(np.random.default_rng(1).normal(size=(60, 1)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        look_beyond(after(noisy, Grammar(("x",))), Grammar(("x", "x^2")), Clock(1.0))
