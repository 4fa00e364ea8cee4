"""Weights of rows and classes: against rows that are repeated or left out, and scikit-learn's own reckoning."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_sample_weight

from edgewise import EdgewiseError
from edgewise.estimators import KANClassifier, KANRegressor
from edgewise.estimators.weights import of_classes
from edgewise.kan import KAN

QUICK = {"hidden": (), "penalty": 0.0, "steps": 8, "starts": 1, "random_state": 0}
RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, (80, 2))
Y = np.sin(3 * X[:, 0]) + X[:, 1] ** 2 + 0.3 * RANDOM.normal(size=80)


@pytest.mark.parametrize(
    ("estimator", "y"), [(KANRegressor, Y), (KANClassifier, Y > 0), (KANClassifier, Y.round().clip(-1, 1))]
)
def test_rows_of_weight_zero_are_not_there(estimator, y):
    kept = np.arange(80) % 3 > 0
    one = estimator(**QUICK).fit(X, y, sample_weight=kept.astype(float))
    other = estimator(**QUICK).fit(X[kept], y[kept], sample_weight=np.ones(kept.sum()))
    np.testing.assert_array_equal(one.network_[0].coef.detach(), other.network_[0].coef.detach())


@pytest.mark.parametrize("optimizer", ["lm", "lbfgs"])
def test_a_weighted_mean_square_is_that_of_repeated_rows(optimizer):
    times = RANDOM.integers(1, 4, 80)
    x, y = torch.tensor(X), torch.tensor(Y).unsqueeze(1)
    found = []
    for rows, targets, weights in ((x, y, times), (x.repeat_interleave(torch.tensor(times), 0), None, None)):
        torch.manual_seed(0)
        model = KAN([2, 1], grid=3).double()
        targets = y.repeat_interleave(torch.tensor(times), 0) if targets is None else targets
        history = model.fit((rows, targets), optimizer=optimizer, steps=15, grid_updates=0, weights=weights)
        found.append((history.loss[-1], model(x).detach()))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-6)
    torch.testing.assert_close(found[0][1], found[1][1], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("class_weight", ["balanced", {"a": 2.0, "c": 0.5}, None])
def test_weights_of_classes_are_scikit_learns(class_weight):
    labels = np.array(list("aabbbbccccccc"))
    classes, numbers = np.unique(labels, return_inverse=True)
    np.testing.assert_allclose(
        of_classes(class_weight, classes, numbers, np.ones(13)), compute_sample_weight(class_weight, labels)
    )


def test_balanced_classes_count_alike():
    y = (X[:, 0] + 0.5 * RANDOM.normal(size=80) > 0.9).astype(int)
    even = KANClassifier(**QUICK, class_weight="balanced").fit(X, y).predict_proba(X)[:, 1]
    assert np.average(even, weights=compute_sample_weight("balanced", y)) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [("even", "must be 'balanced'"), ({"x": 1}, "names 'x', which is no class"), ({0: -1.0}, "positive and finite")],
)
def test_impossible_weights_are_refused(class_weight, message):
    with pytest.raises(EdgewiseError, match=message):
        KANClassifier(**QUICK, class_weight=class_weight).fit(X, (Y > 0).astype(int))
    with pytest.raises(ValueError, match="at least 2 rows"):
        KANRegressor(**QUICK).fit(X, Y, sample_weight=np.eye(80)[0])
    with pytest.raises(EdgewiseError, match="one number a row"):
        KAN([2, 1]).double().fit((X, Y), weights=[1.0, 2.0])
    with pytest.raises(EdgewiseError, match="a loss of your own"):
        KAN([2, 1]).double().fit((X, Y), weights=np.ones(80), loss=torch.nn.functional.mse_loss)
