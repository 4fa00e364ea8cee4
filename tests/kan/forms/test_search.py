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


def counted(calls):
    """Time that passes with each question for it."""
    return map(float, range(calls, -1000, -1)).__next__


FEW = np.random.default_rng(5).uniform(0.5, 4, (11, 2))
LAWS = {
    "constant": lambda a, b: 3 + 0 * a,
    "one": lambda a, b: 1 + 0 * a,
    "line": lambda a, b: 2 * a + 1,
    "two slopes": lambda a, b: 3 * a - 1.5 * b,
    "the other column": lambda a, b: 2 * b + 4,
    "square": lambda a, b: 0.5 * a**2,
    "product": lambda a, b: 2 * a * b,
    "ratio": lambda a, b: 3 * a / b,
    "decay": lambda a, b: 4 * np.exp(-0.8 * a),
    "root": lambda a, b: 2 * np.sqrt(b),
    "logarithm": lambda a, b: 1.5 * np.log(a) + 2,
    "inverse square": lambda a, b: 3 / b**2,
}


@pytest.mark.parametrize("name", LAWS)
def test_eleven_rows_are_not_learned_by_heart(name):
    law, fresh = LAWS[name], np.random.default_rng(6).uniform(0.5, 4, (1000, 2))
    spread = law(*fresh.T).std() or 1.0
    y = law(*FEW.T) + 0.1 * spread * np.random.default_rng(7).normal(size=11)
    search = Search(Rows(list(torch.tensor(FEW.T.copy())), y), Grammar(tuple(FUNCTIONS)), counted(300))
    search.run()
    best = search.allowed[0]
    off = best.tree(list(torch.tensor(fresh.T.copy()))).numpy() - law(*fresh.T)
    assert len(best.tree.constants()) <= 3
    assert np.sqrt(np.mean(off**2)) < 0.25 * spread
