import math

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgewise.kan import kanpiler
from edgewise.kan.interpret import Formula
from edgewise.kan.interpret.rounding import nice, rounded

X = sympy.Symbol("x", real=True)


@given(st.floats(-1e6, 1e6), st.integers(2, 15))
def test_a_rounded_number_is_near(value, digits):
    assert float(nice(value, digits)) == pytest.approx(value, rel=0.51 * 10.0 ** (1 - digits), abs=0.5 * 10.0**-digits)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (2.0000001, 2),
        (-0.3333333, sympy.Rational(-1, 3)),
        (math.pi, sympy.pi),
        (-1.5 * math.pi, -3 * sympy.pi / 2),
        (1e-9, 0),
    ],
)
def test_numbers_that_are_nearly_something_become_it(value, wanted):
    assert nice(value, 5) == wanted


@pytest.mark.parametrize("value", [0.123456789, 3.1401, 1.0011, 12345.678])
def test_other_numbers_do_not(value):
    assert isinstance(nice(value, 5), sympy.Float)


def test_terms_that_vanish_go():
    expression = sympy.Float(1e-12) * X**3 + (X + sympy.Float(1e-13)) ** 2
    assert rounded(expression, 6) == X**2


def test_few_digits_are_no_proof_of_a_fraction():
    assert str(nice(-1.999, 3)) == "-2.00"  # and not -7 pi/11
    assert nice(0.454, 3) == sympy.Float("0.454", 3)  # and not 5/11
    assert nice(0.4545454, 6) == sympy.Rational(5, 11)
    assert nice(0.33333, 4) == sympy.Rational(1, 3)


@pytest.mark.parametrize("digits", [1, 2, 5, 15])
def test_what_is_written_is_what_is_computed(digits):
    """Also of few digits, which sympy keeps in few bits."""
    value = float(f"{math.e / 7:.{digits}g}")
    formula = Formula((rounded(value * X + 1, digits),), (X,), 0.0, 0.0, digits)
    assert str(formula) == f"{value!r}*x + 1"
    assert formula(np.array([[1.0]])) == value + 1
    assert kanpiler(formula.expressions[0], ["x"])(torch.ones(1, 1).double()).item() == value + 1
