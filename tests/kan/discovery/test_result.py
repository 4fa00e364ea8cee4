import numpy as np
import pytest
import sympy
import torch

import edgewise.kan.discovery.search
from edgewise._ground.errors import EdgewiseWarning
from edgewise.kan.discovery import discover
from edgewise.kan.discovery.report import write_report

RNG = np.random.default_rng(0)
ROWS = RNG.uniform(1, 4, (200, 2))
V, S = sympy.symbols("V s", real=True)


def test_an_exact_formula_needs_no_network():
    y = ROWS[:, 0] * ROWS[:, 1] / (2 + ROWS[:, 1])
    found = discover(ROWS, y, names=["V", "s"], seed=0)
    (expression,) = found.formula.expressions
    assert sympy.simplify(expression - V * S / (2 + S)) == 0
    assert found.stopped == "all stages done"
    assert found.stages == ()
    for network in (found.in_units(), found.symbolic, found.network):
        np.testing.assert_allclose(network(torch.tensor(ROWS)).detach()[:, 0], y, rtol=1e-9)
    np.testing.assert_allclose(found.predict(ROWS)[:, 0], y, rtol=1e-9)
    assert [m.length for m in found.front] == sorted(m.length for m in found.front)
    assert any(m.formula is found.formula for m in found.front)
    assert found.front[0].error > found.front[-1].error


def test_columns_that_do_not_vary_and_columns_of_other_units():
    rows = np.column_stack([1e6 * ROWS[:, 0], np.full(200, 3.5), 1e-3 * ROWS[:, 1]])
    with pytest.warns(EdgewiseWarning, match="is 3.5 in all rows"):
        found = discover(rows, 2 * rows[:, 0] + 1e9 * rows[:, 2], seed=0)
    a, _, c = found.formula.variables
    (expression,) = found.formula.expressions
    assert float(expression.coeff(a)) == pytest.approx(2)
    assert float(expression.coeff(c)) == pytest.approx(1e9)


def test_an_interrupt_keeps_the_formula_found_so_far(monkeypatch, tmp_path):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(edgewise.kan.discovery.search, "fit", stop)
    y = 3 * ROWS[:, 0] + RNG.normal(size=200)
    found = discover(ROWS, y, functions=["x"], seed=0)
    assert found.stopped == "interrupted"
    assert found.formula.expressions[0].free_symbols == {found.formula.variables[0]}
    ((slope, error),) = [c for m in found.front if m.formula is found.formula for c in m.constants] or [(3.0, 0.0)]
    assert abs(slope - 3) < 4 * max(error, 0.05)
    np.testing.assert_allclose(found.in_units()(torch.tensor(ROWS)).detach(), found.formula(ROWS), rtol=1e-9)
    page = write_report(found, tmp_path / "r.html", ROWS, y).read_text(encoding="utf-8")
    assert "Formulas to choose from" in page
    assert page.count("<b>chosen</b>") == 1


def test_a_budget_of_time_ends_the_search():
    y = np.abs(ROWS[:, 0] - 2) * RNG.uniform(0.9, 1.1, 200)
    found = discover(ROWS, y, max_time=0.2, seed=0)
    assert found.stopped == "time is up"
    assert found.formula is not None


@pytest.mark.slow
def test_a_network_joins_the_front_and_formulas_are_in_its_units():
    y = np.tanh(2 * ROWS[:, 0] - ROWS[:, 1]) + 0.2 * RNG.normal(size=200)
    found = discover(ROWS, y, functions=["x", "tanh"], starts=1, steps=5, seed=0)
    assert found.stages
    np.testing.assert_allclose(
        found.outputs.back(found.symbolic(found.inputs(torch.tensor(ROWS)))).detach(),
        found.formula(ROWS),
        rtol=1e-6,
        atol=1e-6,
    )
