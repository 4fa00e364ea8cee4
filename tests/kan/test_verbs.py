"""The methods of a network that other parts of the house carry out."""

import inspect

import pytest
import torch

import edgewise.kan.kan as top
from edgewise._ground.errors import ConfigError, DataError
from edgewise.bases import Chebyshev
from edgewise.kan import KAN, Network
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
