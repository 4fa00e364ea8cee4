import math

import numpy as np
import pytest
import sympy
import torch
from scipy.optimize import curve_fit

from edgewise.kan.forms.constants import Rows, criterion, length
from edgewise.kan.forms.tree import Tree, constant, number, variable

RNG = np.random.default_rng(0)
X = RNG.uniform(0, 3, 200)
DECAY = constant(1.0) * Tree("exp", (constant(-1.0) * variable(0),)) + constant(0.0)


def rows(y, weight=None):
    return Rows([torch.tensor(X)], y, weight)


def test_constants_and_standard_errors_are_those_of_scipy():
    y = 2 * np.exp(-0.7 * X) + 0.5 + 0.05 * RNG.normal(size=200)
    wanted, covariance = curve_fit(lambda x, a, b, c: a * np.exp(b * x) + c, X, y, p0=(1, -1, 0))
    table = rows(y)
    found = table.fitted(DECAY)
    np.testing.assert_allclose(found.tree.constants(), wanted, rtol=1e-6)
    np.testing.assert_allclose(table.errors_of(found), np.sqrt(np.diag(covariance)), rtol=1e-4)
    left = y - wanted[0] * np.exp(wanted[1] * X) - wanted[2]
    assert found.error == pytest.approx(math.sqrt(np.mean(left**2)) / y.std(), rel=1e-6)


def test_standard_errors_are_those_of_a_bootstrap():
    y = 2 * np.exp(-0.7 * X) + 0.5 + 0.05 * RNG.normal(size=200)
    table, rng = rows(y), np.random.default_rng(1)
    found = table.fitted(DECAY)
    drawn = [table.some(rng.integers(0, 200, 200)).fitted(found.tree).tree.constants() for _ in range(200)]
    np.testing.assert_allclose(table.errors_of(found), np.std(drawn, axis=0), rtol=0.25)


def test_slopes_are_those_of_sympy():
    x, y, a, b, c = sympy.symbols("x y a b c")
    formula, columns = a * x**2 * sympy.sin(b * y) + c, RNG.uniform(1, 3, (2, 20))
    tree = constant(2.5) * variable(0) ** 2 * Tree("sin", (constant(0.7) * variable(1),)) + constant(-1.0)
    some = Rows(list(torch.tensor(columns)), RNG.normal(size=20), RNG.uniform(1, 2, 20))
    found = some.slopes(tree, tree.constants())
    for column, symbol in enumerate((a, b, c)):
        slope = sympy.lambdify((x, y, a, b, c), sympy.diff(formula, symbol), "numpy")
        wanted = slope(*columns, 2.5, 0.7, -1.0) * np.sqrt(some.weight) / some.spread
        np.testing.assert_allclose(found[:, column], wanted, rtol=1e-12, atol=1e-12)
    assert some.slopes(number(1.0), []).shape == (20, 0)


def test_weights_are_those_of_scipy():
    y, weight = np.exp(-0.7 * X) + 0.1 * RNG.normal(size=200), RNG.uniform(0.1, 3, 200)
    wanted, _ = curve_fit(lambda x, a, b, c: a * np.exp(b * x) + c, X, y, p0=(1, -1, 0), sigma=weight**-0.5)
    np.testing.assert_allclose(rows(y, weight).fitted(DECAY).tree.constants(), wanted, rtol=1e-5, atol=1e-5)


def test_what_is_exact_is_so_to_rounding():
    found = rows(2 * np.exp(-0.7 * X) + 0.5).fitted(DECAY)
    assert found.is_exact
    np.testing.assert_allclose(found.tree.constants(), [2, -0.7, 0.5], rtol=1e-12)


def test_the_criterion_counts_constants_and_letters():
    y = X + 0.1 * RNG.normal(size=200)
    table = rows(y)
    one = table.judged(constant(1.0) * variable(0))
    fixed = table.judged(variable(0))
    wanted = math.log(200) * 200 / 197 + 4 * (3 * 200 / 199 - 1)  # of a constant, a sign and a variable, but for a variable
    assert one.score - fixed.score == pytest.approx(wanted + 400 * math.log(one.error / fixed.error))
    assert table.judged(variable(0)).score == pytest.approx(400 * math.log(fixed.error) + 4)
    assert length(number(1.0)) == length(constant(0.25)) == 1
    assert length(number(math.pi)) == 1.5
    assert 1 < length(number(0.5)) < length(number(0.75)) < 2.5 < length(number(22 / 7))


@pytest.mark.parametrize(("count", "constants"), [(2, 2), (3, 3), (9, 8), (9, 9), (11, 10), (20, 19), (20, 30)])
def test_as_many_constants_as_rows_never_win(count, constants):
    assert criterion(count, 1.0, 1, 1.0) < criterion(count, 0.0, constants, 4.0 * constants)


def test_many_rows_are_judged_by_the_criterion_of_schwarz():
    n = 10**7
    assert criterion(n, 1.0, 3, 7.0) == pytest.approx(3 * math.log(n) + 4 * 7, rel=1e-5)


def test_where_a_formula_is_not_defined_it_does_not_count():
    table = rows(X)
    assert math.isinf(table.fitted(Tree("log", (constant(-1.0) * variable(0),))).score)


def test_what_rows_do_not_tell_has_no_standard_error():
    found = rows(X).judged(constant(0.0) * Tree("sin", (constant(1.0) * variable(0),)) + constant(1.0) * variable(0))
    assert np.isinf(rows(X).errors_of(found)).all()
