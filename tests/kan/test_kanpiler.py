import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import EdgewiseError
from edgewise.kan import FUNCTIONS, register_function
from edgewise.kan.interpret.expression import parse_formula
from edgewise.kan.kanpiler import kanpiler

sympy = pytest.importorskip("sympy")

NAMES = ["x", "y", "z"]
SYMBOLS = sympy.symbols("x y z", real=True)
POINTS = torch.rand(60, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 1.4 + 0.3

FORMULAS = {  # with the width that each needs
    "x": [3, 1],
    "sin(2*x + 1)": [3, 1],
    "x + y - 2*z + 4": [3, 1],
    "3*gaussian(x/2)": [3, 1],
    "x*y": [3, [0, [2]], 1],
    "x*y*z": [3, [0, [3]], 1],
    "x*y + z": [3, [1, [2]], 1],
    "(x + 1)*(y - 2)": [3, [0, [2]], 1],
    "exp(sin(pi*x) + y^2)": [3, 1, 1],
    "exp(-(x - y)^2/2)/sqrt(2*pi)": [3, 1, 1],
    "sqrt(x^2 + y^2)": [3, 1, 1],
    "sin(x) + x^2 + x": [3, 3, 1],
    "sin(x + y)*cos(2*x + 2*y + 1)": [3, 1, [0, [2]], 1],
    "(x*y + z)/(1 + x^2)": [3, [2, [2]], [0, [2]], 1],
    "atan(x/y) + tanh(x)*asin(x/3)": [3, [0, [2, 2]], 1],
    "x^6": [3, 1, 1],
    "x^-6": [3, 1, 1],
    "x^7": [3, [0, [2]], 1],
    "x^-7": [3, [0, [2]], 1],
    "x^2.5 + x^-1.5": [3, 2, 1],
    "x^(1/3)": [3, 1, 1],
    "2^x": [3, 1],
    "x^y": [3, [0, [2]], 1],
}
MORE = [
    "5", "x - x + 1.5", "x^0.5 + x^2.0", "x^97/1000", "x^0.7*y^-2.3", "(x + y)^2*(x - y)^3", "(x + y)^1.5",
    "exp(-x^2 - y^2)", "sin(x + y) + cos(x + y) + x + y + tanh(x + y)",
    "abs(x - y) + sign(x - 0.9)", "log(x)/log(y + 2)", "acos(x/5) + atanh(x/5)*tan(y/3)", "x/(y*z)", "1/sqrt(1 - x^2/10)",
    "((x + 1)*(y + 2) + z)*(x*y - 3)", "z*exp(x)*sin(x)/x", "exp(exp(x)*y)", "sqrt(2)*pi*x*y/E", "x^y^z",
    "x/y/z/(x + y)/(x*y + 1)",
    # of the Feynman lectures
    "exp(-((x - y)/z)^2/2)/(sqrt(2*pi)*z)", "x*y/((x - 3)^2 + (y - 4)^2 + (z - 5)^2)", "x/sqrt(1 - y^2/z^2/40)",
    "x*(cos(y*z) + 0.3*cos(y*z)^2)", "y/(4*pi*x*z^2)", "x*(exp(y*z) - 1)", "(1/x + 1/y)^-1",
    "sqrt(x^2 + y^2 - 2*x*y*cos(z - 4))",
    "x*sin(3*y/2)^2/sin(y/2)^2", "x^3*z/(pi^2*(exp(x/y) - 1))",
]  # fmt: skip


def computed(model, points=POINTS):
    with torch.no_grad():
        return model(points).numpy()


def wanted(expression, points=POINTS):
    function = sympy.lambdify(SYMBOLS, expression, "numpy")
    return np.broadcast_to(function(*points.numpy().T), len(points))


@pytest.mark.parametrize("text", [*FORMULAS, *MORE])
def test_computes_what_the_formula_says(text):
    expression = parse_formula(text, NAMES)
    model = kanpiler(text, NAMES)
    np.testing.assert_allclose(computed(model)[:, 0], wanted(expression), rtol=1e-12)
    assert not any(layer.mask.any() for layer in model)
    np.testing.assert_array_equal(computed(kanpiler(expression, NAMES)), computed(model))


@pytest.mark.parametrize("text", FORMULAS)
def test_needs_no_more_nodes_than(text):
    assert kanpiler(text, NAMES).width == FORMULAS[text]


def test_every_function_of_the_library_is_one_edge():
    for function in FUNCTIONS.values():
        if function.name not in ("0", "x"):
            expression = parse_formula(function.formula, ["x"]).xreplace({SYMBOLS[0]: (SYMBOLS[0] - 2) / 3})
            model = kanpiler(2 * expression - 1, NAMES)
            assert model.width == [3, 1], function.name
            points = POINTS * 0.3 + 2.5
            np.testing.assert_allclose(computed(model, points)[:, 0], wanted(2 * expression - 1, points), rtol=1e-12)


def test_symbols_with_and_without_assumptions_are_the_same_variables():
    x, y = sympy.symbols("x y")
    model = kanpiler(sympy.Abs(sympy.exp(x)) * y, [x, y, "z"])
    np.testing.assert_allclose(computed(model)[:, 0], (POINTS[:, 0].exp() * POINTS[:, 1]).numpy(), rtol=1e-14)


def test_several_outputs_share_their_parts():
    texts = ["exp(x*y + 1)", "x*y", "sin(2*x*y) + z", "3"]
    model = kanpiler(texts, NAMES)
    assert model.width == [3, [1, [2]], 4]
    for column, text in zip(computed(model).T, texts, strict=True):
        np.testing.assert_allclose(column, wanted(parse_formula(text, NAMES)), rtol=1e-13)


@pytest.mark.parametrize("text", ["x + sin(x) + (sin(x) + 2)^-2", "x + x^2 + sin(x^2) + cos(x^2) + exp(x)"])
def test_functions_of_an_input_that_other_parts_need_too(text):
    np.testing.assert_allclose(computed(kanpiler(text, NAMES))[:, 0], wanted(parse_formula(text, NAMES)), rtol=1e-13)


def test_parts_that_occur_often_are_computed_once():
    x, y, _ = SYMBOLS
    expression = x + y
    for _ in range(8):  # written out, this has hundreds of parts
        expression = sympy.sin(expression) * sympy.cos(expression) + 1
    model = kanpiler(expression, NAMES)
    assert max(layer.nodes for layer in model) == 1
    np.testing.assert_allclose(computed(model)[:, 0], wanted(expression), rtol=1e-12)


LEAVES = st.sampled_from([*SYMBOLS, sympy.Integer(2), sympy.Rational(1, 3), sympy.pi, sympy.Float(0.7)])


def operations(parts):
    functions = st.sampled_from(
        [sympy.sin, sympy.cos, sympy.tanh, sympy.atan, sympy.Abs, lambda u: sympy.exp(sympy.sin(u))]
    )
    powers = st.sampled_from([2, 3, 7])
    return (
        st.builds(lambda f, u: f(u), functions, parts)
        | st.builds(lambda u, v: u + v, parts, parts)
        | st.builds(lambda u, v: u * v, parts, parts)
        | st.builds(lambda u, n: (sympy.sin(u) + 2) ** (n - 4), parts, powers)
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.recursive(LEAVES, operations, max_leaves=10), min_size=1, max_size=3))
def test_random_expressions(expressions):
    found = computed(kanpiler(expressions, SYMBOLS))
    for column, expression in zip(found.T, expressions, strict=True):
        expected = wanted(expression)
        np.testing.assert_allclose(column, expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max())


def test_formula_and_network_are_each_others_inverse():
    model = kanpiler("exp(sin(pi*x) + y^2)*z", NAMES)
    formula = model.symbolic_formula(names=NAMES)
    assert formula.rmse < 1e-9
    np.testing.assert_allclose(computed(kanpiler(formula.expressions[0], NAMES)), computed(model), rtol=1e-6)


def test_functions_that_users_add_are_used():
    with pytest.raises(EdgewiseError, match="no function of the library is 'cosh': add it with register_function"):
        kanpiler("cosh(x + y)", NAMES)
    register_function("cosh", torch.cosh, 3, "cosh(x)")
    register_function("sigmoid", torch.sigmoid, 3, "1/(1 + exp(-x))")
    register_function("J0", torch.special.bessel_j0, 4, "besselj(0, x)")
    register_function("secret", torch.exp, 4, "for people only")
    try:
        assert kanpiler("cosh(x + y)", NAMES).width == [3, 1, 1]
        model = kanpiler(["2/(1 + exp(-x))", "1/(1 + exp(x))", "cosh(2*x - 1)", "besselj(0, x)"], NAMES)
        assert model.width == [3, 4]
        x = POINTS[:, 0]
        expected = torch.stack([2 * x.sigmoid(), (-x).sigmoid(), (2 * x - 1).cosh(), torch.special.bessel_j0(x)], 1)
        np.testing.assert_allclose(computed(model), expected, rtol=1e-13)
    finally:
        for name in ("cosh", "sigmoid", "J0", "secret"):
            del FUNCTIONS[name]


def test_noise_lets_new_structure_grow():
    exact, model = (kanpiler("exp(x)*y", NAMES, grid=5, k=2, noise=noise) for noise in (0.0, 1e-4))
    assert all(layer.mask.all() and layer.edge.basis.grid_size == 5 and layer.edge.basis.degree == 2 for layer in model)
    change = np.abs(computed(model) - computed(exact)).max()
    assert 0 < change < 1e-2
    model(POINTS).sum().backward()
    assert all(layer.coef.grad.abs().sum() > 0 for layer in model)


def test_its_constants_train():
    model = kanpiler("2*sin(x)*y", NAMES)
    model(POINTS).sum().backward()
    present = model[0].symbolic.present
    assert (model[0].symbolic.affine.grad[present].abs().sum(0) > 0).all()


@pytest.mark.parametrize(
    ("expression", "variables", "message"),
    [
        ("x + w", NAMES, "unknown variable 'w'"),
        (sympy.Symbol("w"), NAMES, "unknown variable 'w'"),
        ("x +", NAMES, "is no formula"),
        (sympy.gamma(SYMBOLS[0]), NAMES, "no function of the library is 'gamma'"),
        (sympy.Max(*SYMBOLS), NAMES, "no function of the library is 'Max'"),
        (SYMBOLS[0] + sympy.I, NAMES, "a constant of a network is a finite real number, got I"),
        (SYMBOLS[0] * sympy.oo, NAMES, "finite real number"),
        ("(-2)^x", NAMES, "a power with a varying exponent needs a positive base, got -2"),
        (3.0, NAMES, "a formula is a string or a sympy expression, got float"),
        ([], NAMES, "at least one formula"),
        ("1", [], "variables of different names"),
        ("x", ["x", "x"], "variables of different names"),
    ],
)
def test_what_cannot_be_compiled(expression, variables, message):
    with pytest.raises(EdgewiseError, match=message):
        kanpiler(expression, variables)


def test_noise_is_not_negative():
    with pytest.raises(EdgewiseError, match=r"noise must not be negative, got -1\.0"):
        kanpiler("x", NAMES, noise=-1.0)


def test_the_splines_that_lie_ready_are_those_of_a_new_network_by_default():
    model = kanpiler("x**2 + y", ["x", "y"])
    assert {(layer.edge.basis.grid_size, layer.edge.basis.degree) for layer in model} == {(3, 3)}
