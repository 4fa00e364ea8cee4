"""Tables of many rows, and little time."""

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score

from edgewise.estimators import KANClassifier, KANRegressor, rows
from edgewise.estimators.smooth import SmoothFit
from edgewise.kan.fitting import Table

RANDOM = np.random.default_rng(0)


def table(count):
    x = RANDOM.uniform(-1, 1, (count, 3))
    return x, np.sin(3 * x[:, 0] * x[:, 1]) + x[:, 2] ** 2


@pytest.fixture
def few_are_many(monkeypatch):
    monkeypatch.setattr(rows, "MANY", 300)
    monkeypatch.setattr(rows, "ENOUGH", 100)
    monkeypatch.setattr(rows, "ENOUGH_OF_A_CLASS", 20)


def test_further_rows_make_networks_better(few_are_many, monkeypatch):
    x, y = table(2000)
    new, truth = table(2000)
    noisy = y + 0.5 * RANDOM.normal(size=2000)
    found = KANRegressor(random_state=0).fit(x, noisy)
    error = 1 - r2_score(truth, found.predict(new))
    monkeypatch.setattr("edgewise.estimators.choice.polished", lambda networks, rest, *_: (networks, rest))
    alone = KANRegressor(random_state=0).fit(x, noisy)
    assert error < 0.8 * (1 - r2_score(truth, alone.predict(new)))


def test_shares_errors_and_intervals_are_those_of_rows_that_no_network_has_seen(few_are_many):
    x, y = table(3000)
    new, truth = table(3000)
    model = KANRegressor(random_state=0).fit(x, y + 0.2 * RANDOM.normal(size=3000))
    wanted = truth + 0.2 * RANDOM.normal(size=3000)
    assert model.errors_["blend"] / model.errors_["constant"] == pytest.approx(1 - model.score(new, wanted), rel=0.2)
    assert model.shares_["network"] > 0.9
    low, high = model.predict_interval(new, 0.9).T
    assert np.mean((low <= wanted) & (wanted <= high)) == pytest.approx(0.9, abs=0.05)


def test_rare_classes_are_in_the_sample(few_are_many, monkeypatch):
    x, y = table(3000)
    rare, counted = y > np.quantile(y, 0.98), []
    folds_of = rows.folds_of
    monkeypatch.setattr("edgewise.estimators.base.folds_of", lambda *a: (counted.append(a[1]), folds_of(*a))[1])
    model = KANClassifier((2,), random_state=0).fit(x, rare)
    assert model.errors_["blend"] < 0.7 * model.errors_["constant"]
    assert counted == [20 * 3000 // rare.sum()]


def test_samples_take_every_row_once():

    x = torch.arange(12_000.0).unsqueeze(1)
    some, rest = rows.sample_of(Table(x, x), None)
    assert len(some) == 2000
    assert torch.equal(torch.cat([some.x, rest.x]).sort(0).values, x)
    assert rows.sample_of(Table(x[:100], x[:100]), None)[1] is None


def test_no_time_leaves_a_fit_all_the_same(monkeypatch):
    x, y = table(200)
    counted, step = [], SmoothFit.step
    monkeypatch.setattr(SmoothFit, "step", lambda fit: (counted.append(1), step(fit)))
    model = KANRegressor(random_state=0, max_time=1e-9).fit(x, y)
    hasty = len(counted)
    assert model.score(x, y) > 0.2
    KANRegressor(random_state=0).fit(x, y)
    assert 0 < hasty < 0.4 * (len(counted) - hasty)
