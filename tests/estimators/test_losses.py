"""Losses by name: outlying targets, and counts."""

import numpy as np
import pytest
from sklearn.metrics import mean_poisson_deviance, r2_score

from edgewise import EdgewiseError
from edgewise.estimators import KANRegressor

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, (300, 2))
CURVE = np.sin(3 * X[:, 0]) + X[:, 1] ** 2


def test_outlying_targets_do_not_pull():
    y = CURVE + 0.1 * RANDOM.normal(size=300)
    spoilt = np.where(RANDOM.uniform(size=300) < 0.1, y + 30, y)
    robust, usual = (KANRegressor((), loss=loss, random_state=0).fit(X, spoilt).predict(X) for loss in ("huber", "squares"))
    assert r2_score(CURVE, robust) > 0.98
    assert r2_score(CURVE, usual) < 0
    several = KANRegressor((), loss="huber", random_state=0).fit(X, np.c_[spoilt, 100 * y]).predict(X)
    assert r2_score(np.c_[CURVE, 100 * CURVE], several) > 0.97


def test_counts_have_a_log_link():
    mean = np.exp(1.5 * CURVE)
    y = RANDOM.poisson(mean)
    model = KANRegressor((), loss="poisson", random_state=0).fit(X, y)
    found = model.predict(X)
    assert (found > 0).all()
    assert mean_poisson_deviance(mean, found) < 0.1 * mean_poisson_deviance(mean, np.full(300, mean.mean()))
    assert found.mean() == pytest.approx(y.mean(), rel=0.05)
    assert model.predict(X, return_std=True)[1][0] == pytest.approx(np.sqrt(mean.mean()), rel=0.3)
    assert model.deployment().metadata["output"]["activation"] == "exp"


@pytest.mark.parametrize(
    ("settings", "y", "message"),
    [
        ({"loss": "hubert"}, CURVE, "did you mean 'huber'"),
        ({"loss": "poisson"}, CURVE - 2, "at least 0 and not all 0"),
        ({"loss": "poisson"}, 0 * CURVE, "at least 0 and not all 0"),
        ({"loss": "huber", "symbolic": True}, CURVE, "sought by mean squares"),
    ],
)
def test_losses_that_cannot_be(settings, y, message):
    with pytest.raises(EdgewiseError, match=message):
        KANRegressor(**settings).fit(X, y)
