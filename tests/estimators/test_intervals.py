"""Intervals: beside NumPy's quantiles, and how many new rows they cover."""

import numpy as np
import pytest

from edgewise import EdgewiseError
from edgewise.estimators import KANRegressor
from edgewise.estimators.intervals import Spread

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("count", [9, 50, 1000])
def test_the_reach_is_the_quantile_that_covers_a_new_row(count):
    left = RANDOM.normal(size=(count, 2))
    found = Spread(left).reach(0.9)
    wanted = np.quantile(np.abs(left), min(1.0, np.ceil((count + 1) * 0.9) / count), axis=0, method="inverted_cdf")
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_allclose(Spread(left).deviation(), np.sqrt((left**2).mean(0)))


def test_a_new_row_is_covered_as_often_as_asked():
    """Of exchangeable distances exactly k of n + 1."""
    draws = RANDOM.normal(size=(4000, 20, 1))
    covered = [abs(d[-1, 0]) <= Spread(d[:-1]).reach(0.8)[0] for d in draws]
    assert np.mean(covered) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("outputs", [1, 2])
def test_new_rows_lie_in_intervals(outputs):
    x = RANDOM.uniform(-1, 1, (500, 2))
    y = np.sin(3 * x[:, :outputs]) + RANDOM.laplace(size=(500, outputs)) * np.array([0.3, 5.0])[:outputs]
    y = y[:, 0] if outputs == 1 else y
    model = KANRegressor((), random_state=0).fit(x[:200], y[:200])
    ends = model.predict_interval(x[200:], 0.9)
    assert ends.shape == (*y[200:].shape, 2)
    covered = (ends[..., 0] <= y[200:]) & (y[200:] <= ends[..., 1])
    np.testing.assert_allclose(covered.mean(0), 0.9, atol=0.05)
    found, std = model.predict(x[200:], return_std=True)
    np.testing.assert_array_equal(found, model.predict(x[200:]))
    assert std.shape == found.shape
    np.testing.assert_allclose(std[0], np.sqrt(2) * np.array([0.3, 5.0])[:outputs].squeeze(), rtol=0.3)


def test_intervals_are_wide_where_noise_is():
    """Noise of deviation 0.1 on the left and 1.9 on the right."""
    x = RANDOM.uniform(-1, 1, (2000, 2))
    noise = 1 + 0.9 * x[:, 0]
    y = x[:, 1] + noise * RANDOM.normal(size=2000)
    model = KANRegressor((), random_state=0).fit(x[:300], y[:300])
    low, high = model.predict_interval(x, 0.9).T
    covered = (low <= y) & (y <= high)
    assert np.corrcoef(high - low, noise)[0, 1] > 0.9
    for part in (x[:, 0] < -0.5, abs(x[:, 0]) < 0.5, x[:, 0] > 0.5):
        np.testing.assert_allclose(covered[part].mean(), 0.9, atol=0.07)
    std = model.predict(x, return_std=True)[1]
    np.testing.assert_allclose(std[x[:, 0] > 0.5].mean(), noise[x[:, 0] > 0.5].mean(), rtol=0.2)
    assert (high - low).max() <= 1.3 * (high - low)[:300].max()


def test_what_has_no_intervals():
    x, y = RANDOM.uniform(-1, 1, (3, 1)), np.array([0.0, 1.0, 2.0])
    with pytest.raises(EdgewiseError, match=r"covers 0.9 needs at least 9 training rows, got 3"):
        KANRegressor((), random_state=0).fit(x, x[:, 0]).predict_interval(x)
    x, y = RANDOM.uniform(-1, 1, (30, 1)), RANDOM.normal(size=30)
    with pytest.raises(EdgewiseError, match="hold none back"):
        KANRegressor((), penalty=0.1, random_state=0).fit(x, y).predict_interval(x)
    model = KANRegressor((), random_state=0).fit(x, x[:, 0])
    with pytest.raises(EdgewiseError, match=r"between 0 and 1, such as 0.9, got 90"):
        model.predict_interval(x, 90)
