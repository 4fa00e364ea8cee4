import contextlib
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import EdgewiseError
from edgewise._ground.errors import ConfigError
from edgewise.kan.interpret.expression import MAX_DEPTH, MAX_LENGTH, formula_functions, parse_formula, to_callable

sympy = pytest.importorskip("sympy")
special = pytest.importorskip("scipy.special")

X, Y = sympy.symbols("x y", real=True)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("2*x^2 - y/3", 2 * X**2 - Y / 3),
        ("2**3^2", sympy.Integer(512)),
        ("-x^2", -(X**2)),
        ("+x^-2", X**-2),
        ("x - y - 1 + 2", X - Y + 1),
        ("x / y / 2 * 3", sympy.Rational(3, 2) * X / Y),
        ("x - (y - 1)", X - Y + 1),
        ("sin(pi*x) + E^y", sympy.sin(sympy.pi * X) + sympy.exp(Y)),
        ("arcsin(x) + atanh(y)", sympy.asin(X) + sympy.atanh(Y)),
        ("ln(x)*log(y)", sympy.log(X) * sympy.log(Y)),
        ("sqrt(x^2) + Abs(y)", sympy.Abs(X) + sympy.Abs(Y)),
        ("sgn(x) - sign(y)", sympy.sign(X) - sympy.sign(Y)),
        ("gaussian(x + y)", sympy.exp(-((X + Y) ** 2))),
        ("besselj(0, 20*x)", sympy.besselj(0, 20 * X)),
        ("sqrt(2)/2", sympy.sqrt(2) / 2),
        ("1.5e-3*x", 0.0015 * X),
        (" x \n + y ", X + Y),
    ],
)
def test_what_formulas_mean(text, meaning):
    assert parse_formula(text) == meaning
    assert parse_formula(text, ["x", "y"]) == meaning


def test_variables_may_be_called_as_constants_and_functions_are():
    found = parse_formula("E*sin + pi*E^2", ["E", "sin"])
    assert (
        found
        == sympy.Symbol("E", real=True) * sympy.Symbol("sin", real=True) + sympy.pi * sympy.Symbol("E", real=True) ** 2
    )
    assert to_callable(found, ["E", "sin"])(2.0, 3.0) == pytest.approx(6 + 4 * np.pi)


def test_symbols_of_ones_own_come_back():
    mass = sympy.Symbol("m", positive=True)
    assert parse_formula("sqrt(m^2)", [mass]) == mass


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no formula such as"),
        ("2x", "'2x' is no formula such as"),
        ("x +", "is no formula"),
        ("x\0", "null bytes"),
        ("x # + y", "what stands behind # would not be read"),
        ("sinn(x)", "unknown function 'sinn'; did you mean 'sin'"),
        ("x(2)", "unknown function 'x'"),
        ("eval(x)", "unknown function 'eval'"),
        ("x + z", "unknown variable 'z'.* known: x, y"),
        ("sin + 1", r"sin is a function: write what it is of, such as sin\(x\)"),
        ("sin()", "sin takes 1 argument, got 0"),
        ("besselj(x)", "besselj takes 2 arguments, got 1"),
        ("besselj(0.5, x)", "order of besselj is a whole number of at most 100, got '0.5"),
        ("log(x, 2)", "log takes 1 argument, got 2"),
        ("x.real", "and not 'x.real'"),
        ("().__class__", r"and not '\(\)\.__class__'"),
        ("x[0]", r"and not 'x\[0\]'"),
        ("'x'", "and not"),
        ("f'{x}'", "and not"),
        ("sin(x=1)", r"and not 'sin\(x=1\)'"),
        ("sin(*x)", r"and not '\*x'"),
        ("sin(**x)", "and not"),
        ("(lambda: x)()", "and not"),
        ("[y for y in x]", "and not"),
        ("x if y else 1", "and not"),
        ("x < y", "and not"),
        ("x // y", "and not"),
        ("x @ y", "and not"),
        ("not x", "and not"),
        ("(x := 1)", "and not"),
        ("2j*x", "and not '2j'"),
        ("True", "and not 'True'"),
        ("...", "and not"),
        ("x; y", "is no formula"),
        ("import os", "is no formula"),
        ("1/0", "no finite real number"),
        ("x/0", "no finite real number"),
        ("x*sqrt(-1)", "no finite real number"),
        ("log(0)*x", "no finite real number"),
        ("asin(2)", "no finite real number"),
        ("1e400", "no finite real number"),
        ("x^exp(1000)", "no finite real number"),
        ("((2*x)^9999)^9999", "no finite real number"),
        ("9**9**9**9", "a number in an exponent is at most 10000, got '387420489'"),
        ("x^(y + 10^9)", "a number in an exponent is at most 10000"),
        ("x^(10^9*pi)", "a number in an exponent is at most 10000"),
        ("x+" * MAX_LENGTH, f"at most {MAX_LENGTH} characters, got {2 * MAX_LENGTH}"),
        ("-" * 100 + "x", f"at most {MAX_DEPTH}"),
        ("-" * 9000 + "x", f"at most {MAX_DEPTH}"),
        ("sin(" * 60 + "x" + ")" * 60, f"at most {MAX_DEPTH}"),
        ("(" * 3000 + "x" + ")" * 3000, "is no formula"),
        ("9" * 5000, "is no formula"),
    ],
)  # fmt: skip
def test_what_formulas_may_not_be(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_formula(text, ["x", "y"])
    assert issubclass(ConfigError, ValueError)


def test_a_formula_is_a_string():
    with pytest.raises(EdgewiseError, match=r"a formula is a string such as .*, got int"):
        parse_formula(3)


def test_long_sums_and_products_are_not_deep():
    assert parse_formula("+".join(["x"] * 500)) == 500 * X
    assert parse_formula("*".join(["x"] * 500)) == X**500


def test_constants_stay_exact_while_they_are_short():
    assert parse_formula("(1 + sqrt(2))^3") == (1 + sympy.sqrt(2)) ** 3
    assert parse_formula("(1 + sqrt(2))^300") == sympy.Float((1 + 2**0.5) ** 300)
    assert parse_formula("sin(1.5)*x") == np.sin(1.5) * X
    assert parse_formula("2^0.1 + erf(1)") == sympy.Float(2**0.1) + sympy.Float(special.erf(1))
    assert parse_formula("(3/2)^60") == sympy.Float(1.5**60)
    assert float(parse_formula("besselj(1, 2.5)")) == special.jv(1, 2.5)


ORACLE = {
    name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "sqrt", "abs", "sign")
}
ORACLE |= {
    f"{a}{name}": getattr(np, f"arc{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh") for a in ("a", "arc")
}
ORACLE |= {"ln": np.log, "Abs": np.abs, "sgn": np.sign, "gaussian": lambda x: np.exp(-(x**2)), "erf": special.erf}
BESSEL = {"besselj": special.jv, "bessely": special.yv, "besseli": special.iv, "besselk": special.kv}


def test_the_table_of_functions_is_the_one_tested():
    assert set(formula_functions()) == set(ORACLE) | set(BESSEL)


@pytest.mark.parametrize("name", ORACLE)
def test_functions_of_arrays_and_tensors(name):
    x = np.linspace(1.1, 2, 7) if "cosh" in name and name.startswith("a") else np.linspace(0.1, 0.9, 7)
    function = to_callable(parse_formula(f"{name}(x)"), ["x"])
    np.testing.assert_allclose(function(x), ORACLE[name](x), rtol=1e-14)
    tensor = torch.tensor(x, requires_grad=True)
    np.testing.assert_allclose(function(tensor).detach(), ORACLE[name](x), rtol=1e-14)
    (slope,) = torch.autograd.grad(function(tensor).sum(), tensor)
    np.testing.assert_allclose(slope, (ORACLE[name](x + 1e-6) - ORACLE[name](x - 1e-6)) / 2e-6, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", BESSEL)
@pytest.mark.parametrize("order", [-1, 0, 3])
def test_bessel_functions(name, order):
    x = np.linspace(0.1, 5, 7)
    function = to_callable(parse_formula(f"{name}({order}, 2*x)"), ["x"])
    np.testing.assert_allclose(function(x), BESSEL[name](order, 2 * x), rtol=1e-14)
    tensor = torch.tensor(x, requires_grad=True)
    np.testing.assert_allclose(function(tensor).detach(), BESSEL[name](order, 2 * x), rtol=1e-14)
    (slope,) = torch.autograd.grad(function(tensor).sum(), tensor, create_graph=True)
    derivative = getattr(special, f"{BESSEL[name].__name__}p")
    np.testing.assert_allclose(slope.detach(), 2 * derivative(order, 2 * x), rtol=1e-12)
    (bend,) = torch.autograd.grad(slope.sum(), tensor)
    np.testing.assert_allclose(bend, 4 * derivative(order, 2 * x, 2), rtol=1e-12)


def test_callables_take_what_arrays_take():
    function = to_callable(parse_formula("x^2 + y"), ["x", "y"])
    assert function(3, 1) == 10
    assert function(np.array([1, 2]), 1).tolist() == [2.0, 5.0]
    assert function(np.ones((3, 1)), np.ones(2)).shape == (3, 2)
    assert function(np.ones(3, np.float32), np.float32(1)).dtype == np.float32
    assert function(torch.ones(3, 1), 1.0).dtype == torch.float32
    assert to_callable(parse_formula("pi"), ["x"])(np.ones(3)).tolist() == [np.pi] * 3
    assert to_callable(parse_formula("pi"), ["x"])(torch.ones(3)).shape == (3,)
    assert np.isnan(to_callable(parse_formula("log(x)"), ["x"])(-1.0))


def test_callables_refuse_what_they_do_not_know():
    with pytest.raises(ConfigError, match="unknown variable 'y'"):
        to_callable(X + Y, ["x"])
    with pytest.raises(ConfigError, match="unknown function 'gamma'"):
        to_callable(sympy.gamma(X), ["x"])
    with pytest.raises(ConfigError, match=r"takes 1 arguments \(x\), got 2"):
        to_callable(X, ["x"])(1.0, 2.0)


def operations(parts):
    """Texts with the functions that they mean."""
    binary = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
    pairs = st.tuples(parts, st.sampled_from(sorted(binary)), parts)
    joined = pairs.map(
        lambda p: (f"({p[0][0]}) {p[1]} ({p[2][0]})", lambda x, y: binary[p[1]](p[0][1](x, y), p[2][1](x, y)))
    )
    named = st.tuples(st.sampled_from(["sin", "cos", "exp", "tanh", "atan", "gaussian", "erf"]), parts)
    called = named.map(lambda p: (f"{p[0]}({p[1][0]})", lambda x, y: ORACLE[p[0]](p[1][1](x, y))))
    squared = parts.map(lambda p: (f"({p[0]})^2", lambda x, y: p[1](x, y) ** 2))
    return joined | called | squared


LEAVES = st.sampled_from([
    ("x", lambda x, y: x), ("y", lambda x, y: y), ("2", lambda x, y: np.float64(2)), ("0.3", lambda x, y: np.float64(0.3)),
    ("pi", lambda x, y: np.pi),
])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.recursive(LEAVES, operations, max_leaves=8))
def test_random_formulas_compute_what_they_say(formula):
    text, oracle = formula
    x, y = np.array([-0.7, 0.2, 0.9]), np.array([0.4, -0.3, 0.8])
    with np.errstate(all="ignore"):
        expected = oracle(x, y) * np.ones(3)
    try:
        found = to_callable(parse_formula(text, ["x", "y"]), ["x", "y"])(x, y)
    except ConfigError:  # a constant part such as 1/(2 - 2)
        return
    plain = np.isfinite(expected) & (np.abs(expected) > 1e-3) & (np.abs(expected) < 1e3)  # elsewhere digits may cancel
    np.testing.assert_allclose(found[plain], expected[plain], rtol=1e-6)


SYMBOLS = [
    "+",
    "-",
    "*",
    "/",
    "^",
    "**",
    "(",
    ")",
    "(",
    ")",
    ",",
    " ",
    "[",
    "]",
    "'",
    "=",
    "<",
    ".",
    "\n",
    "#",
    "\\",
    "\0",
    "²",
]
WORDS = ["x", "y", "2", "0", "10", "9", ".5", "1e9", "pi", "E", "é", "_", "lambda", "if", "for", "in"]
CALLS = [f"{name}(" for name in ("sin", "sqrt", "log", "exp", "abs", "besselk", "tan", "acosh", "gaussian")]


@settings(max_examples=400, deadline=5000)
@given(st.text(max_size=30) | st.lists(st.sampled_from(SYMBOLS + WORDS + CALLS), max_size=14).map("".join))
def test_any_text_is_a_formula_or_refused(text):
    with contextlib.suppress(ConfigError):
        assert isinstance(parse_formula(text), sympy.Expr)


@settings(max_examples=100, deadline=5000)
@given(
    st.lists(st.sampled_from(["9", "x", "99", "1e300", "10^300", "(1/3)", "(2*x)", "E"]), min_size=2, max_size=8), st.data()
)
def test_towers_of_numbers_end_soon(parts, data):
    signs = data.draw(st.lists(st.sampled_from(["^", "*", "^-", "/", "+"]), min_size=len(parts), max_size=len(parts)))
    text = "".join(itertools.chain.from_iterable(zip(parts, signs, strict=True)))[: -len(signs[-1])]
    with contextlib.suppress(ConfigError):
        assert isinstance(parse_formula(text), sympy.Expr)
