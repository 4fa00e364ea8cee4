"""What scikit-learn tells of a fitted estimator: permutation importance and partial dependence, on tables of all kinds."""

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import PartialDependenceDisplay, partial_dependence, permutation_importance

from edgewise.estimators import KANClassifier, KANRegressor

QUICK = {"hidden": (), "penalty": 1e-3, "steps": 8, "random_state": 0}  # (2,) follows noise on one processor or another
RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, (150, 3))
TOWN = RANDOM.choice(["Bonn", "Oslo", "Rome"], 150)
SHIFT = 2.0 * (TOWN == "Oslo")
TARGET = 2 * X[:, 0] + SHIFT  # nothing of the second and third column


def array():
    return X, [0, 1], []


def frame(kind, empty):
    table = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "town": pd.Series(TOWN).astype(kind)})
    if empty:
        table.loc[::9, "b"] = np.nan
        table.loc[::11, "town"] = np.nan
    return table, ["a", "b", "town"], ["town"]


TABLES = {
    "array": array,
    "words": lambda: frame("object", False),
    "categories": lambda: frame("category", False),
    "empty cells": lambda: frame("category", True),
    "empty words": lambda: frame("object", True),
}


def fitted(estimator, table, safe=False):
    y = TARGET - (SHIFT if isinstance(table, np.ndarray) else 0 * SHIFT)
    y = y > np.median(y) if estimator is KANClassifier else y
    settings = {"random_state": 0, "hidden": ()} if safe else QUICK
    return estimator(**settings).fit(table, y), y


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
@pytest.mark.parametrize("kind", TABLES)
def test_importance_is_that_of_the_columns_that_matter(estimator, kind):
    table, _, words = TABLES[kind]()
    model, y = fitted(estimator, table)
    found = permutation_importance(model, table, y, n_repeats=3, random_state=0).importances_mean
    assert found[0] > 0.2
    assert abs(found[1]) < 0.05
    assert found[2] > 0.05 if words else abs(found[2]) < 0.05


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
@pytest.mark.parametrize("kind", TABLES)
def test_partial_dependence_is_drawn(estimator, kind):
    pytest.importorskip("matplotlib").use("agg")
    table, columns, words = TABLES[kind]()
    model, _ = fitted(estimator, table)
    if kind == "empty cells":  # scikit-learn draws no pandas category with an empty cell
        columns, words = columns[:2], []
    given = {1: np.linspace(-1, 1, 5), 2: np.array(["Bonn", "Oslo"])} if kind.startswith("empty") else {}
    drawn = PartialDependenceDisplay.from_estimator(
        model, table, columns, categorical_features=words or None, grid_resolution=5, custom_values=given
    )
    first, second, *rest = (found["average"][0] for found in drawn.pd_results)
    assert np.ptp(first) > 3 * np.ptp(second)
    assert all(np.isfinite(curve).all() and np.ptp(curve) > 3 * np.ptp(second) for curve in rest)


@pytest.mark.parametrize("safe", [False, True])
def test_partial_dependence_is_the_truth(safe):
    table, *_ = frame("object", False)
    model, _ = fitted(KANRegressor, table, safe)
    line = partial_dependence(model, table, ["a"], grid_resolution=9)
    slope = np.polyfit(line["grid_values"][0], line["average"][0], 1)[0]
    assert slope == pytest.approx(2.0, abs=0.05)
    town = partial_dependence(model, table, ["town"], categorical_features=["town"])
    by_name = dict(zip(town["grid_values"][0], town["average"][0], strict=True))
    assert by_name["Oslo"] - by_name["Bonn"] == pytest.approx(2.0, abs=0.1)
    assert by_name["Rome"] == pytest.approx(by_name["Bonn"], abs=0.1)
