import math

import numpy as np
import pytest
import sympy
import torch

from edgewise.kan.discovery.front import Member, excursions, pareto, size
from edgewise.kan.interpret import Formula

X, Y = sympy.symbols("x y", real=True)


def member(length, error, criterion=0.0):
    return Member(Formula((X,), (X,), 0.0, 0.0, 3), length, error, 0.0, 0.0, (), criterion)


def test_no_member_is_beaten_by_a_shorter_one():
    front = pareto(
        [member(9, 0.1), member(1, 1.0), member(5, 0.2), member(7, 0.3), member(11, 0.0995), member(12, math.inf)]
    )
    assert [(m.length, m.error) for m in front] == [(1, 1.0), (5, 0.2), (9, 0.1)]


def test_sizes():
    assert size(X) == size(sympy.pi) == 1
    assert size(X * Y + 1) == 5
    assert size(sympy.exp(X) ** 2) == size(sympy.exp(2 * X)) == 4


@pytest.mark.parametrize(
    ("formula", "between", "beyond"),
    [(X, 0.0, 0.2 * math.sqrt(3)), (1 / (X - 0.0123), math.inf, math.inf), (sympy.sqrt(X + 1), 0.0, math.inf)],
)
def test_excursions_leave_the_span_of_the_targets(formula, between, beyond):
    x = torch.linspace(-1, 1, 101, dtype=torch.double).unsqueeze(1)
    written = Formula((formula,), (X,), 0.0, 0.0, 3)
    found = excursions(written, x, torch.tensor(np.ravel(written(x.numpy()))) if between == 0 else x[:, 0])
    if math.isinf(between):
        assert found[0] > 5
        assert found[1] > 5
    else:
        assert found[0] == pytest.approx(between, abs=1e-9)
        assert found[1] == (math.inf if math.isinf(beyond) else pytest.approx(beyond, rel=0.05))


def test_a_formula_is_a_network_if_its_functions_are_those_of_the_library():
    made = Member(Formula((3 * sympy.sin(X) ** 2,), (X,), 0.0, 0.0, 3), 5, 0.0, 0.0, 0.0, (), 0.0)
    points = torch.linspace(-1, 1, 5).double().unsqueeze(1)
    torch.testing.assert_close(made.network(points), 3 * points.sin() ** 2)
    assert Member(Formula((sympy.gamma(X),), (X,), 0.0, 0.0, 3), 2, 0.0, 0.0, 0.0, (), 0.0).network is None
