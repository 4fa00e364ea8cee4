"""The methods of a network that other parts of the house carry out."""

import copy
import inspect
import pickle

import pytest
import torch

import edgewise.kan.kan as top
from edgewise._ground.errors import ConfigError, DataError
from edgewise.bases import Chebyshev
from edgewise.kan import KAN, Network
from edgewise.kan.interpret import attribute, prune_inputs
from edgewise.testing import assert_within

METHODS = sorted(name for name, method in vars(KAN).items() if inspect.isfunction(method))


def test_the_verbs_are_those_of_the_readme():
    assert METHODS == ["auto_symbolic", "fit", "plot", "prune", "refine", "suggest_symbolic", "symbolic_formula"]
    assert issubclass(KAN, Network)


@pytest.mark.parametrize("name", METHODS)
def test_each_method_gives_what_the_function_of_its_name_does(name, monkeypatch):
    """With all that was given to it, in its place."""
    function, model = getattr(top, name), KAN([2, 1])
    signature, seen = inspect.signature(function), {}

    def record(*arguments, **options):
        seen.update(signature.bind(*arguments, **options).arguments)
        return "the result"

    monkeypatch.setattr(top, name, record)
    given = {parameter: object() for parameter in inspect.signature(getattr(model, name)).parameters}
    assert getattr(model, name)(**given) == "the result"
    assert seen == {next(iter(signature.parameters)): model, **given}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_names_every_argument_of_its_function(name):
    """With the same kinds, defaults and annotations."""
    own = list(inspect.signature(getattr(KAN, name)).parameters.values())[1:]
    function = list(inspect.signature(getattr(top, name)).parameters.values())[1:]
    assert own == function
    assert all(parameter.kind is not parameter.VAR_KEYWORD for parameter in own)


def test_options_are_passed_on():
    x = torch.linspace(-1, 1, 60).unsqueeze(1)
    model = KAN([1, 1], grid=3)
    history = model.fit((x, x.square()), optimizer="lm", steps=3, penalty=1e-4)
    assert len(history) == 3
    assert [choice.candidate.name for choice in model.auto_symbolic(x, functions=["x", "x^2"])] == ["x^2"]
    with pytest.raises(TypeError, match="unexpected keyword argument 'step'"):
        model.fit((x, x.square()), step=3)


def test_update_grid_moves_each_layer_to_its_inputs_and_keeps_the_function():
    model, x = KAN([2, [2, 1], 1], grid=8).double(), torch.rand(500, 2, dtype=torch.float64) - 0.5
    with torch.no_grad():
        model[0].coef.mul_(0.1)
    before = model(x).detach()
    model.update_grid(x.float().numpy())
    inside = model.trace(x.float().double())
    for layer, inputs in zip(model, inside.inputs, strict=True):
        knots = layer.state.knots
        assert torch.allclose(knots[:, 3], inputs.amin(0), atol=1e-3)
        assert torch.allclose(knots[:, -4], inputs.amax(0), atol=1e-3)
    assert_within(model(x).detach(), before, 0.02)


def test_update_grid_reads_the_columns_of_the_network():
    model, x = KAN([1, 1], inputs=[2]), torch.rand(100, 3) * torch.tensor([1.0, 2.0, 3.0])
    model.update_grid(x)
    assert model[0].state.knots[0, -4].item() == pytest.approx(x[:, 2].max().item(), rel=1e-5)


def test_update_grid_that_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="Chebyshev has no grid"):
        KAN([2, 1], Chebyshev(3)).update_grid(torch.rand(10, 2))
    with pytest.raises(DataError, match="no finite sample"):
        KAN([2, 1]).update_grid(torch.full((10, 2), torch.nan))


def wave(count=60):
    x = torch.linspace(-1, 1, count).unsqueeze(1)
    return x, (3 * x[:, 0]).sin()


def test_rows_and_targets_may_be_given_one_after_the_other():
    x, y = wave()
    one, other = KAN([1, 1], grid=3), KAN([1, 1], grid=3)
    other.load_state_dict(one.state_dict())
    one.fit((x, y), optimizer="lm", steps=3)
    other.fit(x, y, optimizer="lm", steps=3)
    assert torch.equal(one(x), other(x))
    other.fit(x.tolist(), y.tolist(), optimizer="lm", steps=1)
    with pytest.raises(ConfigError, match="a dict has its own, so leave out y"):
        one.fit({"train_input": x, "train_label": y}, y)
    with pytest.raises(DataError, match="got Tensor: the targets may also be given as y"):
        one.fit(x)


def test_verbs_without_rows_take_those_of_the_last_fit():
    x, y = wave()
    model = KAN([1, 2, 1], grid=3).double()
    model.fit(x, y, optimizer="lm", steps=10, penalty=1e-3)
    assert torch.equal(model.rows, x.double())
    assert not any("rows" in name for name in model.state_dict())
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(again.rows, x.double())
    assert torch.equal(model.prune()(x.double()), model.prune(x)(x.double()))
    assert torch.equal(attribute(model).feature_scores, attribute(model, x).feature_scores)
    assert model.suggest_symbolic(None, 0, 0, 0, ["x", "sin"]) == model.suggest_symbolic(x, 0, 0, 0, ["x", "sin"])
    smaller = model.prune()
    assert [c.candidate for c in copy.deepcopy(smaller).auto_symbolic()] == [c.candidate for c in smaller.auto_symbolic(x)]
    assert len(model.plot().axes) == 1
    assert prune_inputs(model).rows is not None


@pytest.mark.parametrize(("count", "kept"), [(1000, 1000), (1001, 501), (25_000, 1000)])
def test_a_sample_of_many_rows_is_remembered(count, kept):
    model, x = KAN([1, 1]), torch.arange(count).float().unsqueeze(1)
    model.keep_rows(x)
    assert len(model.rows) == kept
    assert model.rows[-1] > 0.99 * count
    x.zero_()
    assert model.rows[-1] > 0


@pytest.mark.parametrize("verb", ["prune", "auto_symbolic", "plot"])
def test_a_network_that_was_never_fitted_asks_for_rows(verb):
    with pytest.raises(ConfigError, match=r"give x, rows \(N, 2\) of the data, or fit the network first"):
        getattr(KAN([2, 1]), verb)()


def test_formulas_are_compared_where_the_data_was():
    """The logarithm is not defined on half of the domain that points would be drawn from."""
    x = 1 + torch.rand(50, 1)
    model = KAN([1, 1], base=None)
    model.fix_symbolic(0, 0, 0, "log", (1.1, 0.0, 1.0, 0.0))
    model.fit(x, x[:, 0].log(), optimizer="lbfgs", steps=2, grid_updates=0)
    assert model.symbolic_formula(digits=3).rmse < 1e-2
