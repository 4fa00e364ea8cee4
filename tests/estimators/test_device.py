"""Where estimators fit their networks."""

import numpy as np
import pytest

from edgewise import ConfigError
from edgewise.testing import OtherDevice

pytest.importorskip("sklearn")

from edgewise.estimators import KANClassifier, KANRegressor

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (80, 2))
Y = np.sin(3 * X[:, 0]) + X[:, 1]


def test_a_single_network_is_fitted_there_as_here():
    options = {"penalty": 1e-3, "steps": 2, "random_state": 0}
    here = KANRegressor((), **options).fit(X, Y)
    with OtherDevice() as other:
        there = KANRegressor((), device="lazy", **options).fit(X, Y)
    assert other.waits
    np.testing.assert_allclose(there.predict(X), here.predict(X), rtol=1e-6)


def test_a_formula_is_found_with_its_networks_there(monkeypatch):
    told = []
    monkeypatch.setattr("edgewise.estimators.base.discover", lambda *_, device, **__: told.append(device) or 1 / 0)
    with OtherDevice(), pytest.raises(ZeroDivisionError):
        KANRegressor((), symbolic=True, device="lazy").fit(X, Y)
    assert told == ["lazy"]


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
def test_a_safe_fit_and_a_device_that_is_not_there_are_refused(estimator):
    with OtherDevice(), pytest.raises(ConfigError, match=r"got device='lazy': give penalty= too for a\s+single network"):
        estimator((), device="lazy").fit(X, Y > 0)
    with pytest.raises(ConfigError, match="'cuda:9' is not there"):
        estimator((), device="cuda:9", penalty=1e-3).fit(X, Y > 0)
