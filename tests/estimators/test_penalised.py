"""Lines and additive models beside scikit-learn's linear models, and their penalties beside closed forms."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge

from edgewise.estimators.penalised import Functions, bends_of, best_constant, minimise, sizes_of
from edgewise.kan import KAN
from edgewise.kan.fitting import CrossEntropy, Poisson, Table
from edgewise.kan.fitting.losses import Squares

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 3))
WEIGHT = RANDOM.integers(1, 4, 120).astype(float)
LINE = X @ [1.0, -0.5, 0.0]
UNIT = np.eye(3) / 50


@pytest.mark.parametrize("kind", ["squares", "poisson", "two classes", "three classes"])
def test_lines_are_scikit_learns(kind):
    total = WEIGHT.sum()
    if kind == "squares":
        y, loss = LINE + RANDOM.normal(size=120), Squares()
        model = Ridge(total / 50, tol=1e-12).fit(X, y, WEIGHT)
    elif kind == "poisson":
        y, loss = RANDOM.poisson(np.exp(LINE)).astype(float), Poisson()
        model = PoissonRegressor(alpha=2 / 50, tol=1e-11, max_iter=1000).fit(X, y, WEIGHT)
    else:
        cuts = [0.0] if kind == "two classes" else [-0.5, 0.5]
        y, loss = np.digitize(LINE + RANDOM.logistic(size=120), cuts), CrossEntropy(0.0)
        # scikit-learn: C sum of losses + |w|^2 / 2; here the mean + |w|^2 / 50, of several outputs divided by their number
        outputs = 1 if kind == "two classes" else 3
        model = LogisticRegression(C=50 * outputs / total / 2, tol=1e-11, max_iter=5000).fit(X, y, WEIGHT)
        y = np.eye(3)[y] if outputs == 3 else y.astype(float)
    targets = torch.tensor(y).reshape(120, -1)
    found = minimise(torch.tensor(X), targets, torch.tensor(WEIGHT), loss, torch.tensor(UNIT))
    np.testing.assert_allclose(found[1:].T.squeeze(), np.squeeze(model.coef_), atol=2e-5)
    difference = found[0].numpy() - np.ravel(model.intercept_)
    np.testing.assert_allclose(difference - difference.mean() * (kind == "three classes"), 0, atol=2e-5)


def test_the_best_constant():
    y = torch.tensor(RANDOM.poisson(3, (120, 1)).astype(float))
    table = Table(torch.tensor(X), y, None, torch.tensor(WEIGHT))
    mean = np.average(y[:, 0], weights=WEIGHT)
    assert float(best_constant(table, Squares())) == pytest.approx(mean)
    assert float(best_constant(table, Poisson())) == pytest.approx(np.log(mean), rel=1e-6)


def test_sizes_are_variances_of_edges():
    model, x = KAN([3, 2], grid=4).double(), torch.tensor(X)
    share = torch.tensor(WEIGHT / WEIGHT.sum())
    blocks = sizes_of(model[0].edge_features(x).detach(), share)
    for i in range(3):
        for o in range(2):
            w = model[0].edge_weights().detach()[i, :, o]
            edge = (model[0].edge_features(x)[:, i] @ w).detach().numpy()
            assert float(w @ blocks[i] @ w) == pytest.approx(np.cov(edge, aweights=WEIGHT, ddof=0))


@pytest.mark.parametrize(("curve", "bend"), [(lambda u: 3 * u - 1, 0.0), (lambda u: u**2, 4.0), (lambda u: u**3, 12.0)])
def test_bends_are_mean_squares_of_second_derivatives(curve, bend):
    """Of u, u^2 and u^3 on [0, 1]: 0, 4 and the mean of (6 u)^2; whatever the domain."""
    model = KAN([1, 1], grid=5, base=None).double()
    model.update_grid(torch.linspace(-3, 7, 50, dtype=torch.double).unsqueeze(1))
    points = torch.linspace(-3, 7, 80, dtype=torch.double).unsqueeze(1)
    features = model[0].edge_features(points)[:, 0].detach()
    coef = torch.linalg.lstsq(features, curve((points + 3) / 10), driver="gelsd").solution[:, 0]
    assert float(coef @ bends_of(model[0], False)[0] @ coef) == pytest.approx(bend / 100, rel=2e-2, abs=1e-9)


def test_columns_without_edges_have_no_functions():
    model, x = KAN([3, 1], grid=2).double(), torch.tensor(X)
    model[0].set_mask(torch.tensor([[True, False, True]]))
    functions = Functions.of(model[0], x)
    assert functions.values.shape == (120, 2 * 5)
    assert functions.size.shape == functions.bend.shape == (10, 10)
    model[0].set_mask(torch.zeros(1, 3, dtype=torch.bool))
    assert Functions.of(model[0], x).values.shape == (120, 0)
