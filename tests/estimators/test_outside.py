"""Rows beyond the training rows: counted by column, and said."""

import numpy as np
import pandas as pd
import pytest
import torch

from edgewise import EdgewiseWarning, ExtrapolationWarning
from edgewise.estimators import KANClassifier, KANRegressor
from edgewise.kan import KAN

QUICK = {"hidden": (), "penalty": 1e-2, "steps": 3, "starts": 1, "random_state": 0}
X = np.random.default_rng(0).uniform(-1, 1, (60, 2))
X[0], X[1] = [-1, -1], [1, 1]


@pytest.mark.parametrize("model", [KANRegressor(**QUICK), KANClassifier(**QUICK)])
def test_rows_beyond_are_said_with_their_columns(model):
    frame = pd.DataFrame(X, columns=["a", "b"])
    model.fit(frame, X[:, 0] > 0.2)
    new = pd.DataFrame({"a": [0.0, 1.05, 3.0, 0.0], "b": [0.0, 0.0, 0.0, 1.0]})
    assert model.fraction_outside(new).tolist() == [0.5, 0.0]
    with pytest.warns(ExtrapolationWarning, match=r"25% of the rows .* in column 'a' \(from -1 to 1\)") as said:
        model.predict(new)
    assert len(said) == 1
    assert issubclass(ExtrapolationWarning, EdgewiseWarning)
    model.predict(new.iloc[[0, 1, 3]])  # next to the training rows


def test_the_fraction_beyond_the_grid_of_a_network_by_input():
    model = KAN([2, 1]).double()
    model.update_grid(torch.tensor(X))
    assert model.fraction_outside(torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, -3.0], [2.0, 0.0]])).tolist() == [0.5, 0.25]
