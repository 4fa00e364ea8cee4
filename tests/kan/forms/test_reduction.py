import numpy as np
import pytest
import torch

from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.reduction import reduction
from edgewise.kan.forms.surface import Surface
from edgewise.kan.forms.tree import variable

A, B, C, D = np.random.default_rng(0).uniform(1, 4, (4, 300))
S, T = np.random.default_rng(1).uniform(-2, 2, (2, 300))


def reduced(y, *columns, noise=0.0):
    y = y + noise * y.std() * np.random.default_rng(2).normal(size=len(y))
    rows = Rows([torch.tensor(c) for c in columns], y)
    return reduction(rows), rows


def is_function_of(rows, column):
    """Whether the target goes up and down smoothly along a column: neighbours differ little."""
    order = np.argsort(column)
    return np.abs(np.diff(rows.y[order])).mean() < 0.05 * rows.y.std()


@pytest.mark.parametrize(
    ("y", "columns"),
    [
        (A * B**2 * np.tanh(C / D), (A, B, C, D)),
        (A / np.sqrt(C * D) * np.log1p(B / A), (A, B, C, D)),
        (np.sqrt(A) * np.sin(B * C / 4), (A, B, C)),
        (np.cos((S - T) / 2) / A**2, (S, T, A)),
        (B * np.log(A / B), (A, B)),
        (1 / (1 + np.exp(0.7 * S - 1.9 * T)), (S, T)),
        (A * np.exp(-S * T), (A, S, T)),
        (np.hypot(A, B), (A, B)),
    ],
)
def test_one_column_is_left(y, columns):
    found, rows = reduced(y, *columns)
    assert found is not None
    [inner] = found.columns
    one = found.rows(rows)
    assert is_function_of(one, inner(rows.columns).numpy())
    told = found.whole(variable(0))(rows.columns)
    torch.testing.assert_close(told, found.factor(rows.columns) * inner(rows.columns))


def test_a_factor_is_taken_as_it_is():
    found, rows = reduced(A**1.5 / B * np.sin(S), A, B, S)
    torch.testing.assert_close(found.factor(rows.columns), torch.tensor(A**1.5 / B))
    assert found.columns == (variable(2),)


def test_noise_does_not_hide_a_factor():
    found, rows = reduced(A * B / C * np.sin(S), A, B, C, S, noise=0.05)
    torch.testing.assert_close(found.factor(rows.columns), torch.tensor(A * B / C))


@pytest.mark.parametrize("y", [np.sin(A) + B * A**2, S * T + np.cos(2 * S), np.random.default_rng(3).normal(size=300)])
def test_what_needs_all_its_columns_keeps_them(y):
    columns = (A, B) if y[0] == np.sin(A[0]) + B[0] * A[0] ** 2 else (S, T)
    assert reduced(y, *columns)[0] is None


def test_few_rows_say_nothing():
    assert reduction(Rows([torch.tensor(A[:20]), torch.tensor(B[:20])], A[:20] * B[:20])) is None


def test_factors_that_differ_by_the_column_are_told():
    found, rows = reduced(A * B**2 * (np.exp(C / B) - 1), A, B, C)
    wanted = {1: A * B**2, 2: A * C**2}
    told = [reduction.factor(rows.columns).numpy() for reduction in found.sides()]
    assert all(any(np.allclose(factor, value) for value in wanted.values()) for factor in told)
    assert not np.allclose(*told)


def test_errors_are_those_of_least_squares():
    surface = Surface(Rows([torch.tensor(S), torch.tensor(T)], S**2 * T + 0.5 * S**5))
    groups = (variable(0), variable(1))
    low, high = (surface.errors(groups, [(0.0, 0.0)], degree)[0] for degree in (3, 5))
    assert high < 1e-10 < low
    order = np.random.default_rng(0).permutation(300)
    s, t, y = S[order], T[order], (S**2 * T + 0.5 * S**5)[order]
    terms = np.stack([s**i * t**j for i in range(4) for j in range(4 - i)], 1)
    left = terms[210:] @ np.linalg.lstsq(terms[:210], y[:210], rcond=None)[0] - y[210:]
    assert low == pytest.approx(np.sqrt(np.mean(left**2)) / y.std(), rel=1e-6)


def test_slopes_are_derivatives():
    surface = Surface(Rows([torch.tensor(S), torch.tensor(A)], S**2 * A))
    order = np.random.default_rng(0).permutation(300)
    by_s, by_a = surface.slopes((variable(0), variable(1)), 9, (variable(0), variable(1)))
    np.testing.assert_allclose(by_s, (2 * S * A)[order], atol=1e-3)
    np.testing.assert_allclose(by_a, (S**2)[order], atol=1e-3)
