import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

import edgewise.kan.discovery.search
from edgewise._ground.errors import ConfigError, DataError, EdgewiseWarning
from edgewise.kan import KAN
from edgewise.kan.discovery.discover import discover
from edgewise.kan.discovery.symbolise import criterion, symbolise
from edgewise.kan.fitting.fit import fit
from edgewise.kan.functions import FUNCTIONS, register_function
from edgewise.kan.interpret.symbolic import Candidate, Choice

FEW = ["x", "x^2", "sin", "exp"]
QUICK = {"starts": 1, "steps": 8, "seed": 0}


def rows(count, columns, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, columns))


@pytest.mark.slow
def test_the_formula_of_the_papers():
    x = rows(400, 2)
    y = np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2)
    found = discover(x, y, names=["a", "b"], hidden=(2,), functions=FEW, **QUICK)
    assert str(found.formula) == "exp(b**2 + sin(pi*a))"
    new = rows(100, 2, seed=1)
    truth = np.exp(np.sin(np.pi * new[:, 0]) + new[:, 1] ** 2)
    np.testing.assert_allclose(found.formula(new)[:, 0], truth, rtol=1e-10)
    np.testing.assert_allclose(found.in_units()(torch.tensor(new)).detach()[:, 0], truth, rtol=1e-10)
    assert np.sqrt(np.mean((found.predict(new).numpy()[:, 0] - truth) ** 2)) < 1e-2 * truth.std()
    assert [name for name, _ in found.stages] == ["sparse", "pruned", "refined", "formula"]
    assert {choice.candidate.name for choice in found.choices} == {"sin", "x^2", "exp"}


def test_columns_of_other_units_and_columns_that_do_not_matter():
    x = rows(300, 3) * [1e6, 1, 0.001] + [4e6, 0, 5]
    x[:, 1] = 3.5
    with pytest.warns(EdgewiseWarning, match="column 1 .counted from 0. is 3.5 in all rows"):
        found = discover(x, 2 * x[:, 0] + 1e9 * x[:, 2], hidden=(), functions=FEW, seed=0)
    a, _, c = found.formula.variables
    (expression,) = found.formula.expressions
    assert found.formula.variables[1] not in expression.free_symbols
    assert float(expression.coeff(a)) == pytest.approx(2)
    assert float(expression.coeff(c)) == pytest.approx(1e9)


@pytest.mark.slow
def test_noise_gets_few_digits_and_no_terms():
    x = rows(300, 2)
    y = 3 * x[:, 0] - 2 * x[:, 1] + np.random.default_rng(1).normal(size=300)
    found = discover(x, y, hidden=(1,), functions=FEW, **QUICK)
    assert {choice.candidate.name for choice in found.choices} == {"x"}
    a, b = found.formula.variables
    (expression,) = found.formula.expressions
    assert float(expression.coeff(a)) == pytest.approx(3, abs=0.3)
    assert float(expression.coeff(b)) == pytest.approx(-2, abs=0.3)
    assert found.formula.digits <= 4


@pytest.mark.slow
def test_a_product_is_one_although_curves_could_hide_it():
    x = rows(500, 2)
    found = discover(x, x.prod(1), hidden=(2,), functions=FEW, **QUICK)
    new = rows(100, 2, seed=1) * 2  # beyond the rows: a formula goes on
    np.testing.assert_allclose(found.formula(new)[:, 0], new.prod(1), atol=1e-5)


@pytest.mark.slow
def test_several_targets():
    x = rows(200, 1)
    found = discover(x, np.hstack([x**2, np.sin(3 * x)]), hidden=(), functions=FEW, seed=0)
    assert str(found.formula) == "x_1**2\nsin(3*x_1)"


def test_a_loss_of_ones_own():
    x = rows(300, 1)
    y = (np.random.default_rng(1).uniform(size=(300, 1)) < 1 / (1 + np.exp(-4 * x))).astype(float)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    found = discover(x, y, hidden=(), functions=["x", "x^3"], loss=entropy, optimizer="lbfgs", steps=5, seed=0)
    (choice,) = found.choices
    assert choice.candidate.name == "x"
    slope = float(found.formula.expressions[0].coeff(found.formula.variables[0]))
    assert slope == pytest.approx(LogisticRegression(C=np.inf).fit(x, y[:, 0]).coef_[0, 0], rel=1e-2)


@pytest.mark.slow
def test_the_same_seed_finds_the_same_and_the_global_generator_stays():
    x = rows(60, 1)
    state = torch.get_rng_state()
    first, second = (discover(x, x**2, hidden=(1,), functions=FEW, steps=3, seed=5) for _ in range(2))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(first.predict(x), second.predict(x))
    assert str(first.formula) == str(second.formula)


def test_an_interrupt_keeps_the_network(monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    x = rows(100, 2)
    monkeypatch.setattr(edgewise.kan.discovery.search, "symbolise", stop)
    found = discover(x, x[:, 0], hidden=(), steps=3, seed=0)
    assert found.stopped == "interrupted"
    assert found.formula is None
    assert found.symbolic is None
    torch.testing.assert_close(found.in_units()(torch.tensor(x)).detach(), found.predict(x))


def test_an_interrupt_within_a_fit_ends_the_search(monkeypatch):
    calls = []

    def stop(model, data, **options):
        calls.append(1)
        history = edgewise.kan.fitting.history.History()
        history.stopped = "interrupted"
        return history

    monkeypatch.setattr(edgewise.kan.discovery.search, "fit", stop)
    found = discover(rows(100, 2), rows(100, 1), seed=0)
    assert found.stopped == "interrupted"
    assert len(calls) == 1
    assert found.network.width == [2, 5, 1]


def test_what_cannot_be_discovered():
    with pytest.raises(DataError, match=r"a table \(rows, columns\), got shape \(5,\)"):
        discover(np.zeros(5), np.zeros(5))
    with pytest.raises(DataError, match="nan"):
        discover(np.array([[1.0], [np.nan]]), np.zeros(2))
    with pytest.raises(ConfigError, match="did you mean 'sin'"):
        discover(rows(50, 1), rows(50, 1), hidden=(), functions=["sine"], steps=2, seed=0)


def test_the_criterion_is_schwarzs():
    model = KAN([2, 1], grid=3, k=2, base=None)
    model[0].set_mask(torch.tensor([[True, False]]))
    assert criterion(model, 4, -20.0, 100) == pytest.approx(-20 + math.log(100) * (4 + 5))


def test_each_layer_is_fitted_again_before_the_next(monkeypatch):
    model, x, asked = KAN([1, 1, 1]).double(), torch.rand(30, 1).double(), []

    def choose(network, x, functions, min_r2):
        asked.append([layer.symbolic is not None and layer.symbolic.present.any().item() for layer in network])
        candidates = (Candidate("x", 0.5, 1, (1.0, 0.0, 1.0, 0.0)), Candidate("sin", 0.1, 2, (1.0, 0.0, 1.0, 0.0)))
        return [Choice(layer, 0, 0, None, candidates) for layer in range(2)]

    monkeypatch.setattr("edgewise.kan.discovery.symbolise.auto_symbolic", choose)
    refitted = []
    best = symbolise(model, x, lambda network: refitted.append(network) or float(len(refitted)))
    assert asked[0] == [False, False]
    assert all(made == [True, False] for made in asked[1:])
    assert len(refitted) > len(best.choices)  # several ways were tried
    assert best.network is not model
    assert model[0].symbolic is None


def test_constants_that_cancel_are_no_formula(monkeypatch):
    model, x = KAN([1, 1]).double(), torch.rand(30, 1).double()
    square, sine = Candidate("x^2", 0.3, 2, (1.0, 0.0, 1.0, 0.0)), Candidate("sin", 1e-9, 2, (1e-5, 1.6, 1e10, -1e10))
    monkeypatch.setattr(
        "edgewise.kan.discovery.symbolise.auto_symbolic", lambda *_, **__: [Choice(0, 0, 0, None, (square, sine))]
    )
    monkeypatch.setattr("edgewise.kan.discovery.symbolise.LEVELS", (1.0,))
    deviances = {"sin": -1.0, "x^2": 0.0, None: 100.0}  # None: without the edge
    best = symbolise(model, x, lambda network: deviances[network[0].symbolic.name(0, 0)])
    assert best.choices[0].candidate.name == "x^2"


def test_edges_without_effect_are_cut_from_formulas():
    torch.manual_seed(0)
    model, x = KAN([2, 1], base=None).double(), torch.rand(200, 2).double()
    y = x[:, :1] ** 2  # the second input has no effect

    def refit(network):
        fit(network, (x, y), optimizer="lm", steps=30, progress=False)
        return len(x) * math.log(float((network(x) - y).detach().square().mean()) + 1e-20)

    refit(model)
    best = symbolise(model, x, refit, ["x", "x^2", "sin"])
    assert [(choice.into, choice.candidate.name) for choice in best.choices] == [(0, "x^2")]
    assert best.network[0].symbolic.name(0, 1) is None


def test_no_function_at_all_is_said():
    model = KAN([1, 1], base=None).double()
    x = torch.linspace(-1, 1, 40).double().unsqueeze(1)
    nowhere = register_function("nowhere", lambda t: t * math.nan, 1, "x")
    try:
        with pytest.raises(ConfigError, match=r"functions nowhere .* allow more, such as x"):
            symbolise(model, x, lambda network: 0.0, ["nowhere"])
    finally:
        FUNCTIONS.pop(nowhere.name)


WHOLE = np.arange(40) % 8


@pytest.mark.parametrize(
    "y",
    [2 * WHOLE, (3 - WHOLE).tolist(), WHOLE.astype(np.int8), 10**6 + WHOLE, torch.tensor(-2 * WHOLE), WHOLE[:, None] - 100],
    ids=["whole", "list", "narrow", "large", "tensor", "column"],
)
def test_whole_numbers_without_a_loss_are_numbers_as_others(y):
    found = discover(WHOLE[:, None], y, hidden=(), functions=["x"], steps=3, seed=0)
    wanted = np.asarray(y, dtype=float).reshape(-1, 1)
    np.testing.assert_allclose(found.formula(WHOLE[:, None].astype(float)), wanted, atol=1e-4)


def test_truths_without_a_loss_are_zero_and_one():
    x = np.repeat([[0.0], [1.0]], 20, 0)
    found = discover(x, x[:, 0] > 0.5, hidden=(), functions=["x"], steps=3, seed=0)
    assert found.network[-1].nodes == 1
    np.testing.assert_allclose(found.formula(x), x, atol=1e-6)


def test_whole_numbers_with_a_loss_are_classes():
    entropy, x = torch.nn.functional.cross_entropy, rows(60, 1)
    options = {"hidden": (), "functions": ["x"], "loss": entropy, "optimizer": "lbfgs", "steps": 2, "seed": 0}
    for classes in ((x[:, 0] > 0).astype(int) + (x[:, 0] > 0.5), list(map(int, x[:, 0] > 0))):
        found = discover(x, classes, **options)
        assert found.network[-1].nodes == max(classes) + 1
    assert discover(x, x[:, 0] > 0, **options).network[-1].nodes == 2
    for classes in (-(x[:, 0] > 0).astype(int), np.where(x[:, 0] > 0, 10**6, 0), np.full(60, 2**40)):
        with pytest.raises(DataError, match="number the classes 0, 1"):
            discover(x, classes, **options)
