"""Tables of very many columns: networks stay small, and see those that matter."""

import numpy as np
import pandas as pd
import pytest
import torch

from edgewise import EdgewiseWarning
from edgewise.estimators import KANClassifier, KANRegressor, wide
from edgewise.estimators.penalised import best_constant
from edgewise.estimators.rows import Rows, folds_of
from edgewise.estimators.smooth import SmoothFit
from edgewise.estimators.wide import MOST_NUMBERS, narrowed
from edgewise.kan.discovery.start import start
from edgewise.kan.fitting import Table
from edgewise.kan.fitting.losses import Squares

RANDOM = np.random.default_rng(0)


def numbers(model):
    return sum(p.numel() for p in model.parameters())


def of_words(count, columns, words):
    table = pd.DataFrame({f"c{j}": RANDOM.choice(list("abcdefghij")[:words], count) for j in range(columns)})
    return table, 2.0 * (table.c0 == "a") + 1.0 * (table.c1.isin(["a", "b"]) & (table.c2 == "b"))


def rows_of(x, y):
    table = Table(torch.tensor(x), torch.tensor(y).unsqueeze(1))
    torch.manual_seed(0)
    return Rows(table, Squares(), folds_of(None, len(x)), best_constant(table, Squares()))


def test_two_hundred_columns_of_three_hundred_rows():
    table, y = of_words(300, 20, 10)
    x = pd.get_dummies(table).to_numpy(float)
    template = start((200, 5, 1), 3, 3, 300)
    rows = rows_of(x, y.to_numpy())
    with pytest.warns(EdgewiseWarning, match=r"all 200 columns would have 5025 parameters: .* look at the 59 columns"):
        draw = narrowed(template, lambda: start((200, 5, 1), 3, 3, 300), rows)
    models = [draw(fold) for fold in range(5)]
    assert all(numbers(model) <= MOST_NUMBERS < numbers(template) for model in models)
    assert all({0, 10, 11, 21} <= set(model.inputs) for model in models)
    assert {len(model.inputs) for model in models} == {59}


def test_the_rows_of_a_fold_have_no_say():
    x, y = RANDOM.normal(size=(60, 400)), RANDOM.normal(size=60)
    rows, looked = rows_of(x, y), []
    for targets in (y, np.where(rows.fold == 2, 1e3, y)):
        with pytest.warns(EdgewiseWarning, match="a network of all 400 columns"):
            draw = narrowed(start((400, 2, 1), 1, 3, 60), lambda: start((400, 2, 1), 1, 3, 60), rows_of(x, targets))
        looked.append([draw(fold).inputs for fold in range(5)])
    assert looked[0][2] == looked[1][2]
    assert looked[0][3] != looked[1][3]


def test_few_columns_are_all_looked_at():
    x = RANDOM.normal(size=(60, 3))
    assert narrowed(start((3, 2, 1), 1, 3, 60), lambda: start((3, 2, 1), 1, 3, 60), rows_of(x, x[:, 0]))(0).inputs is None


@pytest.mark.parametrize(("estimator", "to_target"), [(KANRegressor, lambda y: y), (KANClassifier, lambda y: y > 0.5)])
def test_a_fit_to_very_many_columns(estimator, to_target, monkeypatch):
    monkeypatch.setattr(wide, "MOST_NUMBERS", 200)
    made, init = [], SmoothFit.__init__
    monkeypatch.setattr(SmoothFit, "__init__", lambda fit, model, *rest: (made.append(model), init(fit, model, *rest))[1])
    table, y = of_words(200, 10, 6)
    with pytest.warns(EdgewiseWarning, match="of all 60 columns would have"):
        model = estimator((2,), steps=8, random_state=0).fit(table, to_target(y))
    assert made
    assert max(map(numbers, made)) <= 200
    assert model.shares_["network"] > 0.2
    assert model.score(table, to_target(y)) > 0.9
    assert model.network_.width[0] == 60
