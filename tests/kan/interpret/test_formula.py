import pickle
import random

import numpy as np
import pytest
import sympy
import torch

from edgewise import EdgewiseError
from edgewise.kan import FUNCTIONS, KAN
from edgewise.kan.interpret import symbolic_formula

DEFINED_EVERYWHERE = ("x", "x^2", "x^3", "x^4", "exp", "sin", "cos", "tanh", "gaussian", "abs", "arctan", "0")


def symbolic_network(seed: int, width, functions=DEFINED_EVERYWHERE, **options) -> KAN:
    """A network with random functions and constants on all its edges."""
    draw = random.Random(seed)
    model = KAN(width, **options).double()
    for number, layer in enumerate(model):
        for into in range(layer.in_features):
            for out in range(layer.out_features):
                model.fix_symbolic(number, into, out, draw.choice(functions), [draw.uniform(-1, 1) for _ in range(4)])
    return model


def identity_products(arity: int) -> KAN:
    """Two products of so many inputs, added."""
    model = KAN([2 * arity, [0, 2], 1], base=None, mult_arity=arity).double()
    for out in range(2 * arity):
        for into in range(2 * arity):
            model.fix_symbolic(0, into, out, "x" if into == out else "0")
    for node in range(2):
        model.fix_symbolic(1, node, 0, "x")
    return model


@pytest.mark.parametrize("arity", [2, 3, 4])
def test_products_of_any_arity_come_out_right(arity):
    formula = symbolic_formula(identity_products(arity))
    x = sympy.symbols([f"x_{i + 1}" for i in range(2 * arity)], real=True)
    assert sympy.simplify(formula.expressions[0] - sympy.Mul(*x[:arity]) - sympy.Mul(*x[arity:])) == 0
    assert formula.rmse < 1e-12


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
@pytest.mark.parametrize(
    ("width", "options"),
    [([2, 2, 1], {}), ([3, [1, 2], 2], {"mult_arity": [[], [2, 3], []]}), ([2, 1, [1, 1]], {"affine": True})],
    ids=str,
)
def test_formula_and_network_agree(width, options, seed):
    """Compared by the formula's own evaluation on other points than those it was checked on."""
    model = symbolic_network(seed, width, **options)
    if options.get("affine"):
        for layer in model:
            for parameter in layer.affine.values():
                torch.nn.init.uniform_(parameter, 0.5, 1.5)
    formula = symbolic_formula(model)
    x = 2 * torch.rand(200, width[0], dtype=torch.double) - 1
    wanted = model(x).detach().numpy()
    assert np.abs(formula(x.numpy()) - wanted).max() < 1e-6 * max(1, wanted.std())
    assert formula.relative < 1e-6


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n not in ("0", "x^0.5", "1/x^0.5")])
def test_every_function_of_the_library(name):
    model = KAN([1, 1], base=None).double()
    model.fix_symbolic(0, 0, 0, name, (0.4, 0.5, -1.3, 0.2))
    x = torch.rand(100, 1, dtype=torch.double)
    formula = symbolic_formula(model, x=x)
    np.testing.assert_allclose(formula(x.numpy()), model(x).detach().numpy(), atol=1e-6)


def test_cut_edges_are_not_in_the_formula():
    model = symbolic_network(0, [3, 1], ["x^2"])
    model.unfix_symbolic(0, 1, 0)
    model[0].set_mask(torch.zeros(1, 3, dtype=torch.bool))
    assert {str(s) for s in symbolic_formula(model).expressions[0].free_symbols} == {"x_1", "x_3"}


def test_normalizers_give_the_formula_in_the_units_of_the_data():
    model = symbolic_network(1, [2, 2, 1])
    mean, deviation, centre, spread = (3.0, -1.0), (2.0, 0.5), (10.0,), (4.0,)
    formula = symbolic_formula(model, input_normalizer=(mean, deviation), output_normalizer=(centre, spread))
    data = torch.rand(50, 2, dtype=torch.double) * torch.tensor(deviation) + torch.tensor(mean)
    wanted = model((data - torch.tensor(mean)) / torch.tensor(deviation)) * spread[0] + centre[0]
    np.testing.assert_allclose(formula(data.numpy()), wanted.detach().numpy(), atol=1e-5)


def test_a_network_that_looks_at_some_columns_names_those():
    model = KAN([1, 1], base=None, inputs=[2]).double()
    model.fix_symbolic(0, 0, 0, "x^2")
    assert str(symbolic_formula(model)) == "x_3**2"
    assert str(symbolic_formula(model, names=["a", "b", "c"])) == "c**2"


def test_few_digits_are_rounded_and_the_error_is_said():
    model = KAN([1, 1], base=None).double()
    model.fix_symbolic(0, 0, 0, "x", (1.0, 0.0, 1.23456, 0.0))
    formula = symbolic_formula(model, digits=2)
    assert str(formula) == "1.2*x_1"
    assert formula.rmse == pytest.approx(0.03456 / 3**0.5, rel=0.05)  # rms of a uniform variable on [-1, 1]


def test_as_latex_python_and_tensors():
    model = KAN([2, 1], base=None).double()
    model.fix_symbolic(0, 0, 0, "sin", (3.141592653589793, 0.0, 1.0, 0.0))
    model.fix_symbolic(0, 1, 0, "x^2")
    formula = symbolic_formula(model, names=["t", "u"])
    assert formula.latex() == r"u^{2} + \sin{\left(\pi t \right)}"
    scope = {}
    exec(formula.python("f"), scope)
    x = torch.rand(20, 2, dtype=torch.double)
    np.testing.assert_allclose(scope["f"](*x.numpy().T), model(x).detach().numpy()[:, 0])
    torch.testing.assert_close(formula(x), model(x))


def test_global_random_numbers_are_left_alone():
    model = symbolic_network(2, [2, 1])
    state = torch.get_rng_state()
    symbolic_formula(model)
    assert torch.equal(state, torch.get_rng_state())


def test_an_edge_without_a_formula_is_named():
    model = symbolic_network(3, [2, 2, 1])
    model.unfix_symbolic(1, 1, 0)
    with pytest.raises(EdgewiseError, match="1 edges of layer 1 have no formula, such as that from input 1 to subnode 0"):
        symbolic_formula(model)


def test_what_auto_symbolic_left_out_is_not_asked_of_it_again():
    """A curve that no function fits: the error says what helps."""
    model = KAN([1, 1], base=None).double()
    with torch.no_grad():
        model[0].coef.copy_(torch.tensor([0.0, 9, -7, 8, -9, 7, -8, 0]).reshape(1, 8, 1))
    x = torch.linspace(-1, 1, 200).double().unsqueeze(1)
    assert model.auto_symbolic(x, ["x", "x^2"])[0].candidate is None
    with pytest.raises(EdgewiseError, match="as well as its min_r2 asks; lower that, allow more functions, prune the edge"):
        symbolic_formula(model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ["a"]}, "needs so many different names"),
        ({"names": ["a", "a"]}, "needs so many different names"),
        ({"input_normalizer": ([0.0], [1.0])}, "a deviation other than 0 for each of 2"),
        ({"input_normalizer": ([0.0, 0.0], [1.0, 0.0])}, "a deviation other than 0 for each of 2"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(EdgewiseError, match=message):
        symbolic_formula(symbolic_network(4, [2, 1]), **options)


def test_points_where_the_network_is_not_finite_are_refused():
    model = KAN([1, 1], base=None).double()
    model.fix_symbolic(0, 0, 0, "log")
    with pytest.raises(EdgewiseError, match="give rows x on which it is"):
        symbolic_formula(model)
    assert str(symbolic_formula(model, x=torch.rand(50, 1) + 1)) == "log(x_1)"


def test_squares_that_cancel_are_the_product_they_are():
    model = KAN([2, 2, 1], base=None).double()
    for into, out, slope in ((0, 0, 0.721), (1, 0, 0.693), (0, 1, 0.721), (1, 1, -0.693)):
        model.fix_symbolic(0, into, out, "x", (1.0, 0.0, slope, 0.1))
    model.fix_symbolic(1, 0, 0, "x^2", (1.0, -0.2, 0.25 / 0.721 / 0.693, 0.0))
    model.fix_symbolic(1, 1, 0, "x^2", (1.0, -0.2, -0.25 / 0.721 / 0.693, 0.0))
    assert str(symbolic_formula(model, names=["a", "b"])) == "a*b"


def test_a_formula_can_be_pickled():
    model = KAN([1, 1], base=None)
    model.fix_symbolic(0, 0, 0, "sin", (2.0, 0.0, 1.0, 0.0))
    formula = symbolic_formula(model)
    again = pickle.loads(pickle.dumps(formula))
    assert again == formula
    assert again(torch.tensor([[0.25]])).item() == pytest.approx(np.sin(0.5))


def test_an_exponential_beyond_all_floats_is_said():
    model = KAN([1, 1, 1], base=None).double()
    model.fix_symbolic(0, 0, 0, "cos", (0.1, 0.0, -900.0, 0.0))
    model.fix_symbolic(1, 0, 0, "exp", (1.0, 900.0, 2.0, 0.0))
    with pytest.raises(EdgewiseError, match=r"exp\(900\), which no float holds"):
        symbolic_formula(model, x=torch.linspace(-1, 1, 9).double().unsqueeze(1))
