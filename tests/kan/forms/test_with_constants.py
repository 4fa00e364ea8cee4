import math

import numpy as np
import pytest
import torch
from scipy.optimize import curve_fit

from edgewise import ConfigError, EdgewiseWarning
from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.dimensions import Dimensions
from edgewise.kan.forms.form_text import read_form
from edgewise.kan.forms.grammar import Grammar

RNG = np.random.default_rng(0)
T = RNG.uniform(0.1, 5, 120)
NOISE = RNG.normal(size=120)


def fitted(text, y, t=T):
    form, whole = read_form(text, ["t"]), Rows([torch.tensor(t)], y)
    search = form.search(form.rows(whole), Grammar(()), lambda: math.inf)
    search.run()
    best = search.allowed[0]
    return best, search.rows.errors_of(best), form


@pytest.mark.parametrize(
    ("text", "formula", "truth"),
    [
        ("V*t/(K + t)", lambda t, K, V: V * t / (K + t), (0.7, 2.0)),
        ("a*exp(-k*t) + c", lambda t, a, c, k: a * np.exp(-k * t) + c, (3.0, 0.5, 1.3)),
        ("a*t^n", lambda t, a, n: a * t**n, (0.3, 1.7)),
        ("k/(m - k)*(exp(-k*t) - exp(-m*t))", lambda t, k, m: k / (m - k) * (np.exp(-k * t) - np.exp(-m * t)), (0.4, 2.1)),
        ("a*exp(-k*t)*sin(w*t) + b*t", lambda t, a, b, k, w: a * np.exp(-k * t) * np.sin(w * t) + b * t, (2, 0.1, 0.3, 6)),
    ],
)
def test_constants_and_errors_are_those_of_scipy(text, formula, truth):
    y = formula(T, *truth)
    y = y + 0.01 * y.std() * NOISE
    wanted, covariance = curve_fit(formula, T, y, truth)
    found, errors, form = fitted(text, y)
    if text.startswith("k/"):  # which of two rates is which these rows tell
        assert form.names == ("k", "m")
    np.testing.assert_allclose(found.tree.constants(), wanted, rtol=1e-4)
    np.testing.assert_allclose(errors, np.sqrt(np.diag(covariance)), rtol=1e-2)


@pytest.mark.parametrize("size", [1e-9, 1e6])
def test_columns_may_be_of_any_size(size):
    t = size * T
    found, _, form = fitted("V*t/(K + t)", 5e3 * t / (0.7 * size + t), t)
    assert form.names == ("K", "V")
    np.testing.assert_allclose(found.tree.constants(), (0.7 * size, 5e3), rtol=1e-6)


def test_constants_that_rows_do_not_tell_apart():
    with pytest.warns(EdgewiseWarning, match="the rows do not tell the constants of the form apart"):
        fitted("a*b*t", 6 * T + 0.1 * NOISE)


def test_a_form_that_is_defined_nowhere():
    with pytest.raises(ConfigError, match="none of 4000 choices of its constants makes the form finite at all rows"):
        fitted("log(-abs(a)*t)", T)


def test_units_of_a_form():
    metre, second = np.eye(2)
    form = read_form("V*t/(K + t)", ["t"])
    form.grammar(Grammar((), Dimensions([second], metre, [metre, second])))
    with pytest.raises(ConfigError, match="does not have the unit of the target, or adds what has different ones"):
        form.grammar(Grammar((), Dimensions([second], metre, [metre])))
    with pytest.raises(ConfigError, match="is written with 9 numbers, variables and operations: allow more"):
        form.grammar(Grammar((), None, 5))
