"""Tables with words, empty cells and sparse rows: beside tables that pandas and hand-written numbers make of them."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.inspection import partial_dependence
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from edgewise import EdgewiseError, EdgewiseWarning
from edgewise.estimators import KANClassifier, KANRegressor
from edgewise.estimators.categories import MOST

QUICK = {"hidden": (), "penalty": 1e-3, "steps": 2, "random_state": 0}
SHIFT = {"Bonn": 0.0, "Oslo": 2.0, "Rome": -1.0}


def rows(count=120, seed=0):
    draw = np.random.default_rng(seed)
    town = draw.choice(list(SHIFT), count)
    table = pd.DataFrame({"a": draw.uniform(-1, 1, count), "town": town, "is_new": draw.uniform(size=count) < 0.5})
    return table, (np.sin(2 * table.a) + table.town.map(SHIFT) + 0.5 * table.is_new).to_numpy()


@pytest.mark.parametrize("kind", ["object", "category", "string"])
def test_words_are_as_good_as_columns_made_by_hand(kind):
    table, y = rows()
    model = KANRegressor(**QUICK).fit(table.astype({"town": kind}), y)
    by_hand = pd.get_dummies(table, columns=["town"], prefix_sep=" is ")[
        ["a", "is_new", "town is Bonn", "town is Oslo", "town is Rome"]
    ]
    assert model.columns_ == list(by_hand.columns)
    assert list(model.feature_names_in_) == ["a", "town", "is_new"]
    other = KANRegressor(**QUICK).fit(by_hand.astype(float), y)
    np.testing.assert_allclose(model.predict(table.astype({"town": kind})), other.predict(by_hand.astype(float)))
    np.testing.assert_allclose(model.predict(table[:1]), other.predict(by_hand.astype(float)[:1]))


def test_empty_cells_count_as_the_median_and_are_told():
    table, y = rows()
    x = table[["a"]].assign(b=np.linspace(0, 1, 120))
    x.loc[::5, "b"] = np.nan
    y = y + 3 * x["b"].isna()
    by_hand = np.c_[x["a"], x["b"].fillna(x["b"].median()), x["b"].isna()]
    model, other = KANRegressor(**QUICK).fit(x, y), KANRegressor(**QUICK).fit(by_hand, y)
    np.testing.assert_allclose(model.predict(x), other.predict(by_hand))
    assert model.columns_ == ["a", "b", "b is missing"]
    plain = KANRegressor(**QUICK).fit(x.to_numpy(), y)
    np.testing.assert_allclose(plain.predict(x.to_numpy()), model.predict(x))
    with pytest.warns(EdgewiseWarning, match=r"empty in column 'a', where no training row lacked one"):
        found = model.predict(x.assign(a=np.nan))
    np.testing.assert_allclose(found, model.predict(x.assign(a=x["a"].median())))


@pytest.mark.parametrize("empty", [None, np.nan, pd.NA])
def test_an_empty_word_is_a_category_of_its_own(empty):
    table, y = rows()
    table["town"] = table["town"].astype(object)
    table.loc[::4, "town"] = empty
    model = KANRegressor(**QUICK).fit(table, y)
    assert model.columns_[-1] == "town is missing"
    assert np.ptp(model.predict(table.assign(a=0.0, is_new=False))[::4]) == 0


def test_numbers_by_other_names_stay_numbers():
    table, y = rows()
    x = table[["a"]].assign(i=np.arange(120) % 7, t=table["is_new"])
    odd = x.astype({"a": "Float64", "i": "Int64", "t": "boolean"})
    odd["a"] = odd["a"].astype(object)
    odd.loc[3, ["a", "i", "t"]] = pd.NA
    x = x.astype(float)
    x.loc[3] = np.nan
    model, other = KANRegressor(**QUICK).fit(odd, y), KANRegressor(**QUICK).fit(x, y)
    np.testing.assert_allclose(model.predict(odd), other.predict(x))


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array])
def test_sparse_rows_are_the_dense_ones(kind):
    x = np.random.default_rng(0).integers(0, 2, (80, 4)).astype(float)
    y = x @ [1.0, 2.0, 3.0, -1.0]
    model = KANRegressor(**QUICK).fit(kind(x), y)
    np.testing.assert_array_equal(model.predict(kind(x)), KANRegressor(**QUICK).fit(x, y).predict(x))
    frame = pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(x), columns=list("abcd"))
    np.testing.assert_array_equal(KANRegressor(**QUICK).fit(frame, y).predict(frame), model.predict(x))


def test_what_is_new_is_said():
    table, y = rows()
    model = KANClassifier(**QUICK).fit(table, y > 0)
    with pytest.warns(EdgewiseWarning, match="'town' holds 'Kiel', which no training row had: such rows count as none"):
        model.predict(table.replace({"town": {"Rome": "Kiel"}}))
    with pytest.warns(EdgewiseWarning, match="empty in column 'town', where no training row"):
        model.predict(table.replace({"town": {"Rome": None}}))
    with pytest.raises(EdgewiseError, match=r"must be one too, got ndarray: give them as a pandas\.DataFrame"):
        model.predict(table.to_numpy())
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table[["town", "a", "is_new"]])
    with pytest.raises(EdgewiseError, match="column 'day' holds dates: give numbers"):
        model.fit(table.assign(day=pd.Timestamp("2020-01-01")), y > 0)
    with pytest.raises(EdgewiseError, match="column 'none' is empty in all rows: leave it out"):
        model.fit(table.assign(none=np.nan), y > 0)
    with pytest.raises(EdgewiseError, match="to take it there, fit to a table of numbers"):
        model.fit(table, y > 0).deployment()


def test_of_many_categories_the_most_frequent_are_told_apart():
    draw = np.random.default_rng(0)
    number = np.r_[np.repeat(np.arange(MOST - 1), 5), MOST + np.arange(40)]
    table = pd.DataFrame({"a": draw.uniform(size=len(number)), "name": [f"n{n}" for n in number]})
    with pytest.warns(EdgewiseWarning, match="'name' has 59 categories: the 19 that most rows have"):
        model = KANRegressor(**QUICK).fit(table, table.a + (number == 3))
    assert len(model.columns_) == 1 + MOST
    assert model.columns_[-1] == "name is any other"
    others = table[number > MOST].assign(a=0.5)
    assert np.ptp(model.predict(others)) == 0


def test_copies_pipelines_and_inspection_take_words():
    table, y = rows()
    table.loc[::6, "a"] = np.nan
    model = KANRegressor(**QUICK).fit(table, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(table), model.predict(table))
    found = partial_dependence(model, table, ["town"], categorical_features=["town"])
    np.testing.assert_allclose(np.ptp(found["average"][0]), 3.0, atol=0.1)
    chain = make_pipeline(StandardScaler(), KANRegressor(**QUICK)).set_output(transform="pandas")
    assert chain.fit(table[["a", "is_new"]], y).predict(table[["a", "is_new"]]).shape == y.shape
