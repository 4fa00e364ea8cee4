import math

import numpy as np
import pytest
import sympy
import torch

from edgewise._ground.errors import ConfigError
from edgewise.kan import FUNCTIONS, Function, register_function
from edgewise.kan.functions import function, select
from edgewise.kan.symbolic import SymbolicEdges

X = torch.cat([torch.linspace(-3, 3, 25), torch.tensor([0.0, 0.5, 1.0, -1.0])]).double()
DEFINED = {  # where a function is real; elsewhere it must not be finite
    **dict.fromkeys(("sqrt", "x^0.5", "x^1.5"), lambda x: x >= 0),
    **dict.fromkeys(("1/sqrt(x)", "1/x^0.5", "log"), lambda x: x > 0),
    **dict.fromkeys(("1/x", "1/x^2", "1/x^3", "1/x^4", "1/x^5"), lambda x: x != 0),
    **dict.fromkeys(("arcsin", "arccos"), lambda x: x.abs() <= 1),
    "arctanh": lambda x: x.abs() < 1,
}


@pytest.fixture
def library():
    """The library as it was before the test."""
    before = dict(FUNCTIONS)
    yield FUNCTIONS
    FUNCTIONS.clear()
    FUNCTIONS.update(before)


def in_sympy(f: Function, x: torch.Tensor) -> torch.Tensor:
    """Its formula, or the derivative of that, at 30 digits."""
    values = [sympy.sympify(f.formula).evalf(30, subs={"x": sympy.Rational(v.item())}) for v in x]
    return torch.tensor([float(v) for v in values], dtype=torch.float64)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_those_of_the_formula_and_not_finite_where_it_is_not(name):
    f = FUNCTIONS[name]
    real = DEFINED.get(name, lambda x: torch.ones_like(x, dtype=torch.bool))(X)
    assert not f(X[~real]).isfinite().any()
    found = f(X[real])
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, in_sympy(f, X[real]), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in ("abs", "sgn")])
def test_slope_is_that_of_the_formula(name):
    x = torch.tensor([0.3, 0.7], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(FUNCTIONS[name](x).sum(), x)
    derivative = sympy.diff(sympy.sympify(FUNCTIONS[name].formula), "x")
    expected = [float(derivative.evalf(20, subs={"x": sympy.Rational(v)})) for v in x.tolist()]
    np.testing.assert_allclose(slope.numpy(), expected, rtol=1e-13)


def test_names_and_complexities_are_those_of_pykan():
    theirs = pytest.importorskip("kan").utils.SYMBOLIC_LIB
    assert {f.name: f.complexity for f in FUNCTIONS.values()} == {name: row[2] for name, row in theirs.items()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_those_of_pykan(name):
    theirs = pytest.importorskip("kan").utils.SYMBOLIC_LIB[name][0]
    torch.testing.assert_close(FUNCTIONS[name](X), theirs(X), rtol=1e-14, atol=0, equal_nan=True)


def test_unknown_function_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"unknown function 'gausian'; did you mean 'gaussian'\?"):
        function("gausian")


def test_a_registered_function_serves_edges_and_symbolic_fits(library):
    f = register_function("sinc", lambda x: torch.sinc(x / math.pi), 3, "sin(x)/x")
    assert function("sinc") is f
    assert select(None)[-1] is f
    edges = SymbolicEdges(1, 1, dtype=torch.float64)
    edges.fix(0, 0, "sinc", (2.0, 0.0, 3.0, 1.0))
    x = torch.tensor([[0.25]], dtype=torch.float64)
    assert edges(x).item() == pytest.approx(3 * math.sin(0.5) / 0.5 + 1, rel=1e-14)


@pytest.mark.parametrize(
    ("name", "complexity", "message"),
    [
        ("sin", 2, "'sin' is already registered"),
        ("", 2, "must have 1 to 16 bytes, got ''"),
        ("a" * 17, 2, "must have 1 to 16 bytes"),
        ("ξ" * 9, 2, "must have 1 to 16 bytes"),  # 18 bytes
        ("sinh", -1, "complexity must not be negative, got -1"),
    ],
)
def test_impossible_registrations_are_refused(library, name, complexity, message):
    before = list(library)
    with pytest.raises(ConfigError, match=message):
        register_function(name, torch.sinh, complexity, "sinh(x)")
    assert list(library) == before


def test_a_name_of_sixteen_bytes_is_stored_whole(library):
    name = "ξ" * 8
    register_function(name, torch.sinh, 3, "sinh(x)")
    edges = SymbolicEdges(1, 1)
    edges.fix(0, 0, name)
    assert edges.name(0, 0) == name


def names(chosen) -> list[str]:
    return [f.name for f in chosen]


def test_select_keeps_the_order_and_of_equal_functions_the_first():
    assert names(select(["sqrt", "sin", "x^0.5"])) == ["sqrt", "sin"]
    assert names(select(["x^0.5", "sin", "sqrt"])) == ["x^0.5", "sin"]
    assert names(select(None)) == [name for name in FUNCTIONS if name not in ("x^0.5", "1/x^0.5")]
    assert names(select([FUNCTIONS["exp"], "x"])) == ["exp", "x"]
    assert names(select("sin")) == ["sin"]


def test_a_function_outside_of_the_library_is_not_selected():
    with pytest.raises(ConfigError, match=r"'sinh' is not in the library.*register_function"):
        select([Function("sinh", torch.sinh, 3, "sinh(x)")])
    with pytest.raises(ConfigError, match="unknown function 'sinus'"):
        select(["sinus"])
