import math

import numpy as np
import pytest
import torch

from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.grammar import Grammar
from edgewise.kan.forms.search import Search
from edgewise.kan.functions import FUNCTIONS
from edgewise.kan.interpret import parse_formula, to_callable

LOW, HIGH = 0.5, 4.0


def searched(text, names, functions=FUNCTIONS, noise=0.0, left=lambda: math.inf, low=LOW):
    rng = np.random.default_rng(0)
    x = rng.uniform(low, HIGH, (300, len(names)))
    y = to_callable(parse_formula(text, names), names)(*x.T)
    y = y + noise * y.std() * rng.normal(size=300)
    search = Search(Rows(list(torch.tensor(x.T.copy())), y), Grammar(tuple(functions)), left)
    search.run()
    return search


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x^4 + x^3 + x^2 + x", ["x"]),
        ("3*x - x^2 - 2*x*y", ["x", "y"]),
        ("V*s/(K + s)", ["V", "s", "K"]),
        ("v^2*sin(2*a)/g", ["v", "a", "g"]),
        ("0.7*x^(-0.2) + 0.1", ["x"]),
        ("2.5*s/(1.7 + s)", ["s"]),
        ("sqrt(a^2 + b^2)", ["a", "b"]),
        ("3*exp(-0.4*x) + 1", ["x"]),
        ("log(x + 2*y + 1)", ["x", "y"]),
    ],
)
def test_closed_forms_are_found_exactly(text, names):
    best = searched(text, names).allowed[0]
    beyond = np.random.default_rng(1).uniform(LOW * 0.8, HIGH * 1.1, (200, len(names)))
    wanted = to_callable(parse_formula(text, names), names)(*beyond.T)
    told = best.tree(list(torch.tensor(beyond.T.copy()))).numpy()
    assert np.sqrt(np.mean((told - wanted) ** 2)) < 1e-8 * wanted.std()


def test_noise_leaves_the_structure():
    best = searched("3*x - x^2 - 2*x*y", ["x", "y"], functions=["x", "x^2", "x^3"], noise=0.02).allowed[0]
    assert best.tree.length() <= 15
    assert best.error < 0.025


def test_a_function_that_is_not_allowed_is_not_used():
    found = searched("sin(x)", ["x"], functions=["x", "x^2", "x^3"]).found
    assert not [key for key in found if "'sin'" in key or "'cos'" in key]
    assert any("'^'" in key for key in found)


def test_without_time_the_mean_is_found():
    search = searched("sin(x)", ["x"], left=lambda: 0.0)
    (fitted,) = search.found.values()
    assert fitted.tree.constants() == [pytest.approx(search.rows.mean)]
