"""Products of columns: beside NumPy's, and as the networks that they are."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import PolynomialFeatures

from edgewise.estimators import KANClassifier, KANRegressor
from edgewise.estimators.pairs import lines, network_of_pairs, pairs_of, squares
from edgewise.kan import KAN


def layer_of(x, outputs, degree=3):
    model = KAN([x.shape[1], outputs], grid=4, k=degree).double()
    model.update_grid(x)
    return model[0]


def test_the_products_are_those_of_scikit_learn():
    x = np.random.default_rng(0).normal(size=(20, 4))
    wanted = PolynomialFeatures(2, include_bias=False).fit_transform(x)
    np.testing.assert_allclose(pairs_of(torch.tensor(x)).values, wanted)


@pytest.mark.parametrize("degree", [2, 3, 5])
def test_splines_hold_lines_and_squares(degree):
    x = torch.rand(200, 2, dtype=torch.double) * torch.tensor([1.0, 30.0]) - 5
    layer = layer_of(x, 1, degree)
    values = layer.edge.basis_values(x, layer.state.tensors())
    torch.testing.assert_close((values * lines(layer)).sum(2), x)
    torch.testing.assert_close((values * squares(layer)).sum(2), x.square())


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("depth", [2, 3])
def test_a_sum_of_products_as_a_network(outputs, depth):
    x = torch.randn(100, 3, dtype=torch.double)
    factors = torch.randn(6, outputs, dtype=torch.double)
    model = network_of_pairs(layer_of(x, outputs), factors, x, depth)
    assert len(model) == depth
    torch.testing.assert_close(model(x), pairs_of(x).values[:, 3:] @ factors)


@pytest.mark.parametrize("classes", [2, 3])
def test_columns_that_act_together_are_found_in_few_rows(classes):
    draw = np.random.default_rng(0)
    x = draw.uniform(-1, 1, (900, 3))
    logit = 8 * x[:, 0] * x[:, 1] - 5 + 2 * x[:, 2]
    y = np.digitize(logit + draw.logistic(size=900), [0.0, 3.0][: classes - 1])
    model = KANClassifier((1,), steps=1, random_state=0).fit(x[:300], y[:300])
    assert model.shares_["pairs"] > 0.2
    assert roc_auc_score(y[300:] > 0, 1 - model.predict_proba(x[300:])[:, 0]) > 0.9
    rebuilt = torch.tensor(model.target_mean_) + model.network_(model._columns(x))
    np.testing.assert_allclose(np.squeeze(rebuilt.detach().numpy()), model.decision_function(x))


def test_what_has_no_products():
    x = np.random.default_rng(0).normal(size=(20, 2))
    assert "pairs" not in KANRegressor((), random_state=0).fit(x, x[:, 0]).shares_
    assert "pairs" not in KANRegressor((1,), k=1, steps=1, random_state=0).fit(x, x[:, 0]).shares_
