"""Columns that do not vary: what is one, and that nothing comes from it."""

import warnings

import numpy as np
import pytest
import torch

from edgewise import EdgewiseWarning
from edgewise.kan import KAN
from edgewise.kan.discovery import discover
from edgewise.kan.fitting.columns import digit_of, still


def rows(constant, count=60, dtype=torch.float64):
    x = torch.rand(count, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1
    x[:, 1] = constant
    return x.to(dtype)


def surface(x):
    return x[:, [0]].square() + x[:, [2]]


@pytest.mark.parametrize(
    ("values", "constant"),
    [
        ([5.0, 5.0, 5.0], True),
        ([0.0, 0.0, 0.0], True),
        ([0.3, 0.1 + 0.2, 0.3], True),  # as sums round
        ([0.0, 5e-324, 0.0], False),
        ([1e14, 1e14 + 1, 1e14], False),  # a clock that counts nanoseconds
        ([0.0, 0.0, 1.0], False),
    ],
)
def test_constant_is_what_only_rounding_moves(values, constant):
    assert still(torch.tensor(values, dtype=torch.float64).unsqueeze(1)).item() == constant


def test_numbers_count_in_the_digits_in_which_they_were_given():
    x = np.float32(5) + np.array([[0.0], [1e-6], [-1e-6]], dtype=np.float32)
    assert not still(torch.from_numpy(x).double()).item()
    assert still(torch.from_numpy(x).double(), digit_of(x)).item()
    assert digit_of([[1, 2]]) == digit_of(torch.zeros(2, dtype=torch.int16)) == np.finfo(float).eps
    assert digit_of(torch.zeros(2, dtype=torch.bfloat16)) == 2**-7


@pytest.mark.parametrize("optimizer", ["lm", "lbfgs", "adam"])
@pytest.mark.parametrize("given", [torch.float32, torch.float64])
@pytest.mark.parametrize("constant", [5.0, 0.0, -0.3])
def test_a_fit_leaves_no_effect_of_a_constant_column(constant, given, optimizer):
    x = rows(constant, dtype=given)
    x[0, 1] += torch.finfo(given).eps * x[0, 1]
    model = KAN([3, 2, 1], grid=3).double()
    with pytest.warns(EdgewiseWarning, match=f"column 1 .counted from 0. is {constant:g} in all rows") as said:
        model.fit((x, surface(x)), optimizer=optimizer, steps=3, starts=2)
    model.fit((x, surface(x)), optimizer=optimizer, steps=1)  # and not again
    assert len(said) == 1
    other = x.clone()
    other[:, 1] = 6
    assert torch.equal(model(other.double()), model(x.double()))
    assert model[0].mask.tolist() == [[True, False, True]] * 2


def test_a_formula_on_a_constant_column_stays():
    x = rows(2.0)
    model = KAN([3, 1], grid=3).double()
    model.fix_symbolic(0, 1, 0, "x^2")
    model.fit((x, surface(x) + 4), optimizer="lm", steps=3)
    assert model[0].edges()[0, 1]


def test_a_fit_that_is_refused_cuts_nothing():
    x = rows(5.0)
    model = KAN([3, 1], grid=3).double()
    model.fix_symbolic(0, 0, 0, "log")
    before = model[0].mask.clone()
    with pytest.raises(ArithmeticError):
        model.fit((x, surface(x)))
    assert torch.equal(model[0].mask, before)
    model = KAN([3, 1]).double()
    with pytest.raises(EdgewiseWarning):  # as an error
        model.fit((x, surface(x)))
    assert model[0].mask.all()


def test_one_row_is_no_reason_to_cut():
    model = KAN([2, 1], grid=1, k=2).double()
    with pytest.warns(EdgewiseWarning, match="by heart"):
        model.fit((torch.ones(1, 2), torch.ones(1, 1)), optimizer="lm", steps=2)
    assert model[0].mask.all()


def test_discovery_finds_nothing_in_a_constant_column():
    x = rows(5.0, 100)
    with pytest.warns(EdgewiseWarning, match="column 'b' is 5 in all rows") as said:
        found = discover(x, surface(x), names=["a", "b", "c"], hidden=(), functions=["x", "x^2"], steps=5, seed=0)
    assert len(said) == 1
    assert str(found.formula) == "a**2 + c"
    other = x.clone()
    other[:, 1] = 6
    assert torch.equal(found.predict(other), found.predict(x))


@pytest.mark.parametrize("size", [1e3, 1e12])
@pytest.mark.parametrize("optimizer", ["lm", "lbfgs", "adam"])
def test_a_fit_spoilt_by_one_row_is_not_silent(size, optimizer):
    x = rows(0.0, 300)[:, [0, 2]]
    y = x[:, [0]].square() + x[:, [1]]
    x[0, 0] = size
    model = KAN([2, 2, 1], grid=3).double()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        history = model.fit((x, y), optimizer=optimizer, steps=5)
    worse = history.loss[-1] > 1.01 * y.var(correction=0)
    assert [str(one.message)[:32] for one in said] == ["the network is worse than the me"] * int(worse)
