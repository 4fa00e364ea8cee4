"""Shares of candidates: beside non-negative least squares, and where candidates know nothing."""

import numpy as np
import torch
from scipy.optimize import nnls

from edgewise.estimators.blend import best_shares, blended
from edgewise.estimators.rows import Rows, folds_of
from edgewise.kan.fitting import CrossEntropy, Table
from edgewise.kan.fitting.losses import Squares

RANDOM = np.random.default_rng(0)
COUNT = 2000


def rows(y, loss, constant):
    y = torch.tensor(y)[:, None]
    return Rows(Table(torch.zeros(COUNT, 1).double(), y), loss, folds_of(None, COUNT), torch.tensor([constant]).double())


def test_shares_are_those_of_nonnegative_least_squares():
    parts = RANDOM.normal(size=(3, COUNT))
    y = 0.3 * parts[0] + 0.4 * parts[1] - 0.2 * parts[2] + 0.1 * RANDOM.normal(size=COUNT)
    found = best_shares([torch.tensor(p)[:, None] for p in parts], rows(y, Squares(), 0.0))
    wanted, _ = nnls(parts.T, y)
    np.testing.assert_allclose(found, wanted, rtol=0.01, atol=1e-6)  # a little smaller, since rows are few
    assert found[0] < wanted[0]


def test_what_knows_nothing_or_is_not_finite_has_no_share():
    y, good = RANDOM.normal(size=COUNT), RANDOM.normal(size=COUNT)
    table = rows(y, Squares(), 0.0)
    assert best_shares([torch.tensor(-y)[:, None], torch.tensor(0 * y)[:, None]], table) == [0, 0]
    found = best_shares([torch.full((COUNT, 1), torch.nan).double(), torch.tensor(y + good)[:, None]], table)
    assert found[0] == 0
    np.testing.assert_allclose(found[1], 0.5, atol=0.05)
    assert best_shares([], table) == []


def test_too_sure_logits_are_made_smaller():
    truth = RANDOM.normal(size=COUNT)
    y = (RANDOM.uniform(size=COUNT) < 1 / (1 + np.exp(-truth))).astype(float)
    table = rows(y, CrossEntropy(0.0), 0.0)
    (share,) = best_shares([torch.tensor(3 * truth)[:, None]], table)
    assert 0.25 < share < 0.4
    output = blended([torch.tensor(3 * truth)[:, None]], [share], table.constant)
    assert table.error(output) < table.floor()


def test_folds_are_even_and_spread_classes():
    numbers = torch.tensor([0] * 80 + [1] * 10)
    fold = folds_of(numbers, 90)
    assert fold.bincount().tolist() == [18] * 5
    assert fold[80:].bincount().tolist() == [2] * 5
    assert folds_of(None, 3).sort().values.tolist() == [0, 1, 2]
