import math

import numpy as np
import pytest
import sympy
import torch

from edgewise.kan import KAN
from edgewise.kan.discovery.clock import Clock
from edgewise.kan.discovery.direct import Direct
from edgewise.kan.discovery.front import Member
from edgewise.kan.fitting.data import Table
from edgewise.kan.forms.grammar import Grammar
from edgewise.kan.forms.tree import number, variable
from edgewise.kan.interpret import Formula

RNG = np.random.default_rng(0)
X = torch.tensor(RNG.uniform(1, 4, (150, 3)))
A, B, C = sympy.symbols("a b c", real=True)


def direct(y, weight=None, clock=None, columns=(0, 2)):
    names, grammar = ["a", "b", "c"], Grammar(("x", "x^2", "1/x"))
    return Direct(Table(X, y.unsqueeze(1), None, weight), columns, names, grammar, clock or Clock(None))


def test_the_formula_has_all_names_and_only_columns_that_vary():
    search = direct(2 * X[:, 0] / X[:, 2] + 1)
    search.run()
    assert search.is_exact
    assert search.is_done
    front, best, _ = search.front(Clock(None))
    assert best.formula.expressions == (2 * A / C + 1,)
    assert best.formula.variables == (A, B, C)
    assert best.formula.rmse < 1e-12
    assert best in front
    assert [m.length for m in front] == sorted(m.length for m in front)


def test_rows_of_weight_zero_do_not_count():
    y, weight = 2 * X[:, 0], torch.ones(150, dtype=torch.double)
    y[:30], weight[:30] = 100.0, 0.0
    search = direct(y, weight)
    search.run()
    _, best, _ = search.front(Clock(None))
    assert best.formula.expressions == (2 * A,)


def test_the_formula_of_a_network_joins_with_its_constants_fitted_again():
    y = 3 * torch.sin(X[:, 0]) + 0.01 * torch.tensor(RNG.normal(size=150))
    search = direct(y, clock=Clock(1e-9))
    search.run()
    assert not search.is_exact
    search.add(Formula((2.9 * sympy.sin(A) + 1e-3 * C,), (A, B, C), 0.0, 0.0, 3))
    front, best, _ = search.front(Clock(None))
    (expression,) = best.formula.expressions
    assert expression.coeff(sympy.sin(A)) == pytest.approx(3, abs=0.01)
    assert not expression.has(C)
    assert front[-1].error < 0.02 < front[0].error
    search.add(Formula((sympy.gamma(A),), (A, B, C), 0.0, 0.0, 3))  # which no tree can be


def test_without_time_the_front_is_the_choice_alone():
    search = direct(X[:, 0] * X[:, 2])
    search.run()
    front, best, _ = search.front(Clock(1e-9))
    assert front == (best,)
    assert math.isfinite(best.criterion)


def test_a_formula_that_no_network_computes_is_not_chosen(monkeypatch):
    search = direct(2 * X[:, 0] / X[:, 2] + 1)
    search.run()
    first = search.front(Clock(None))[1]
    monkeypatch.setattr(Member, "network", property(lambda member: None if str(member) == str(first) else KAN([3, 1])))
    front, best, _ = search.front(Clock(None))
    assert str(best) != str(first)
    assert best in front
    assert best.criterion > first.criterion


def test_the_choice_is_made_on_all_rows():
    held = torch.isin(X[:, 0], direct(X[:, 0]).held.columns[0])
    share = torch.full((150,), 0.24, dtype=torch.double)  # of the way from one column to the other
    share[held] = 1.0
    search = direct(X[:, 0] + share * (X[:, 2] - X[:, 0]))
    one, both = variable(0), number(0.5) * variable(0) + number(0.5) * variable(1)
    search.search.found = {str(tree): search.used.judged(tree) for tree in (one, both)}
    assert search.search.allowed[0].tree == one
    best = search.front(Clock(None))[1]
    assert best.formula.expressions == (A / 2 + C / 2,)
    off = (X[:, 0] + X[:, 2]) / 2 - X[:, 0] - share * (X[:, 2] - X[:, 0])
    assert best.formula.rmse == pytest.approx(float((off**2).mean().sqrt()), rel=1e-9)
    assert best.error == pytest.approx(float(off[held].square().mean().sqrt() / search.held.spread), rel=1e-6)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_of_few_rows_none_are_held_back(count):
    table = Table(X[:count], 2 * X[:count, :1], None, None)
    search = Direct(table, (0, 2), ["a", "b", "c"], Grammar(("x",)), Clock(None))
    assert len(search.held) == 0
    search.run()
    assert search.is_exact
    assert search.front(Clock(None))[1].formula.expressions == (2 * A,)


def test_a_target_that_is_the_same_at_all_rows():
    search = direct(torch.ones(150).double())
    search.run()
    assert search.is_exact
    assert search.front(Clock(None))[1].formula.expressions == (1,)
