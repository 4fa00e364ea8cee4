import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.kan import FUNCTIONS
from edgewise.kan.interpret.algebra import Sum, apply, product
from edgewise.kan.interpret.evaluate import to_callable

X, Y = sympy.symbols("x y", real=True)
POINTS = np.linspace(0.1, 0.9, 7), np.linspace(0.8, 0.2, 7)
numbers = st.floats(-2, 2).filter(lambda v: abs(v) > 0.05)


def values(total: Sum) -> np.ndarray:
    return to_callable(total.expression(), [X, Y])(*POINTS) + np.zeros(7)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
@settings(max_examples=25, deadline=None)
@given(a=numbers, b=numbers, shift=st.floats(-3, 3))
def test_applying_a_function_is_applying_it(name, a, b, shift):
    """Whatever is moved out of a function, its values stay; compared with the function's own torch code."""
    import torch

    inner = Sum({X: a, Y: b}, shift)
    given_values = torch.from_numpy(a * POINTS[0] + b * POINTS[1] + shift)
    wanted = FUNCTIONS[name](given_values).numpy() + np.zeros(7)
    with np.errstate(all="ignore"):
        found = values(apply(FUNCTIONS[name], inner))
    defined = np.isfinite(wanted)
    np.testing.assert_allclose(found[defined], wanted[defined], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "inner", "wanted"),
    [
        ("exp", Sum({X: 2.0}, 1.0), Sum({sympy.exp(sympy.Float(2.0, 17) * X): math.e})),
        ("sin", Sum({X: -3.0}), Sum({sympy.sin(sympy.Float(3.0, 17) * X): -1.0})),
        ("cos", Sum({X: 1.0}, -math.pi / 2), Sum({sympy.sin(X): 1.0})),
        ("sin", Sum({X: 1.0}, 3 * math.pi), Sum({sympy.sin(X): -1.0})),
        ("x^3", Sum({X: -2.0}), Sum({X**3: -8.0})),
        ("1/x^2", Sum({X: 2.0}), Sum({X**-2: 0.25})),
        ("sqrt", Sum({X: 4.0}), Sum({sympy.sqrt(X): 2.0})),
        ("log", Sum({X: 5.0}), Sum({sympy.log(X): 1.0}, math.log(5))),
        ("abs", Sum({X: -7.0}), Sum({sympy.Abs(X): 7.0})),
        ("tanh", Sum({X: -1.0}), Sum({sympy.tanh(X): -1.0})),
        ("gaussian", Sum({X: -1.0}), Sum({sympy.exp(-(X**2)): 1.0})),
        ("0", Sum({X: 1.0}, 2.0), Sum()),
        ("exp", Sum(const=1.0), Sum(const=math.e)),
    ],
)
def test_what_a_function_lets_through_is_moved_out(name, inner, wanted):
    found = apply(FUNCTIONS[name], inner)
    assert found.terms.keys() == wanted.terms.keys()
    assert list(found.terms.values()) == pytest.approx(list(wanted.terms.values()))
    assert found.const == pytest.approx(wanted.const)


def test_equal_terms_of_a_sum_are_one():
    assert (Sum({X: 1.0}, 2.0) + Sum({X: 3.0, Y: 1.0}, -1.0)).terms == {X: 4.0, Y: 1.0}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(numbers, numbers, st.floats(-3, 3)), min_size=1, max_size=4))
def test_a_product_is_a_product(parts):
    sums = [Sum({X: a, Y: b}, c) for a, b, c in parts]
    np.testing.assert_allclose(values(product(sums)), np.prod([values(s) for s in sums], 0), rtol=1e-9, atol=1e-12)


def test_a_product_of_numbers_is_a_number():
    assert product([Sum(const=2.0), Sum(const=3.0)]) == Sum(const=6.0)
    assert product([Sum({X: 2.0}), Sum(const=0.5)]).terms == {X: 1.0}
