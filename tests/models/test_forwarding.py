"""The methods of a network that other parts of the house carry out."""

import inspect

import pytest
import torch

import edgewise.fitting
import edgewise.interpret
from edgewise._errors import ConfigError, DataError
from edgewise.bases import Chebyshev
from edgewise.models import KAN
from edgewise.models._forwarding import Forwarding
from edgewise.testing import assert_within

METHODS = [name for name, _ in inspect.getmembers(Forwarding, inspect.isfunction)]


@pytest.mark.parametrize("name", [name for name in METHODS if name != "update_grid"])
def test_each_method_gives_what_the_function_of_its_name_does(name, monkeypatch):
    """With all that was given to it, in its place."""
    part = edgewise.fitting if name == "fit" else edgewise.interpret
    function, model = getattr(part, name), KAN([2, 1])
    signature, seen = inspect.signature(function), {}

    def record(*arguments, **options):
        seen.update(signature.bind(*arguments, **options).arguments)
        return "the result"

    monkeypatch.setattr(part, name, record)
    given = {
        parameter.name: object()
        for parameter in inspect.signature(getattr(model, name)).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
    }
    assert getattr(model, name)(**given) == "the result"
    assert seen == {next(iter(signature.parameters)): model, **given}


def test_options_are_passed_on():
    x = torch.linspace(-1, 1, 60).unsqueeze(1)
    model = KAN([1, 1], grid=3)
    history = model.fit((x, x.square()), optimizer="lm", steps=3, penalty=1e-4)
    assert len(history) == 3
    assert [choice.candidate.name for choice in model.auto_symbolic(x, functions=["x", "x^2"])] == ["x^2"]
    with pytest.raises(TypeError, match="unexpected keyword argument 'step'"):
        model.fit((x, x.square()), step=3)


def test_defaults_are_those_of_the_functions():
    for name in METHODS:
        if name == "update_grid":
            continue
        own = inspect.signature(getattr(Forwarding, name)).parameters
        function = inspect.signature(getattr(edgewise.fitting if name == "fit" else edgewise.interpret, name)).parameters
        for parameter in own.values():
            if parameter.name in function:
                assert parameter.default == function[parameter.name].default, f"{name}: {parameter}"


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
