import copy
import pickle  # of a model made on the spot

import pytest
import torch
from torch import nn

from edgewise import EdgewiseError
from edgewise.bases import Chebyshev
from edgewise.io import load_model, save_model
from edgewise.models import create_model, list_models, register_model
from edgewise.models.registry import MODELS, config_of, find_config, forget_config


@pytest.fixture
def tiny():
    @register_model("tiny")
    def tiny(width: int = 3, bias: bool = True) -> nn.Module:
        return nn.Linear(width, 1, bias=bias)

    yield tiny
    MODELS.unregister("tiny")


def test_a_model_of_ones_own(tiny):
    model = create_model("tiny", width=5)
    assert "tiny" in list_models()
    assert model.in_features == 5
    assert model.config == {"name": "tiny", "options": {"width": 5, "bias": True}}


def test_a_name_is_taken_once(tiny):
    with pytest.raises(EdgewiseError, match="model 'tiny' is already registered; choose another name"):
        register_model("tiny")(lambda: None)


def test_unknown_bases_are_refused_with_the_nearest():
    with pytest.raises(EdgewiseError, match="did you mean 'bspline'"):
        create_model("kan", width=[2, 1], basis={"name": "bsplin", "degree": 3})


def test_unet_has_about_two_million_parameters():
    assert 1.9e6 < sum(p.numel() for p in create_model("unet").parameters()) < 2.1e6


def test_each_listed_model_is_documented():
    for name in list_models():
        assert MODELS[name].__doc__


EXAMPLES = {
    "kan": ({"width": [3, 2, 1]}, (2, 3)),
    "mlp": ({"width": [3, 2, 1]}, (2, 3)),
    "conv_kan": ({"image_size": 12}, (2, 1, 12, 12)),
    "cnn": ({"in_channels": 1}, (2, 1, 32, 32)),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_the_input_follows_from_what_the_model_takes(name):
    options, shape = EXAMPLES[name]
    model = create_model(name, **options).double()
    x = model.example_input()
    assert x.shape == shape
    assert x.dtype == torch.float64
    assert torch.equal(model.example_input(), x)
    assert model.example_input(batch_size=5).shape == (5, *shape[1:])
    assert model.eval()(x).isfinite().all()


def test_the_example_of_a_network_that_looks_at_some_columns_has_them():
    model = create_model("kan", width=[2, 1], inputs=[4, 1])
    assert model(model.example_input()).shape == (2, 1)


def test_the_example_follows_a_copy_of_the_model():
    model = create_model("mlp", width=[3, 1])
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert copied.example_input.model is copied


class Foreign(nn.Linear):
    """A model with a ``config`` of its own kind, as many libraries have it."""

    def __init__(self, width: int = 3):
        super().__init__(width, 2)
        self.config = {"hidden_size": width}


def test_a_model_may_have_a_config_of_its_own_kind(tmp_path):
    register_model("foreign")(Foreign)
    try:
        model = create_model("foreign", width=5)
        assert model.config == {"hidden_size": 5}
        assert config_of(model) == {"name": "foreign", "options": {"width": 5}}
        save_model(model, tmp_path / "model.safetensors")
        loaded = load_model(tmp_path / "model.safetensors")
        assert torch.equal(loaded.weight, model.weight)
        forget_config(model)
        assert (model.config, find_config(model)) == ({"hidden_size": 5}, None)
        with pytest.raises(EdgewiseError, match="has no config to rebuild it from"):
            save_model(model, tmp_path / "model.safetensors")
    finally:
        MODELS.unregister("foreign")


def test_a_basis_is_told_by_what_the_model_takes_and_not_by_its_name():
    register_model("named")(lambda basis="of vectors", k=3: nn.Linear(k, 1))
    try:
        assert create_model("named").config["options"] == {"basis": "of vectors", "k": 3}
    finally:
        MODELS.unregister("named")


def test_no_example_is_made_up(tiny):
    assert not hasattr(create_model("tiny"), "example_input")


@pytest.mark.parametrize("given", ["chebyshev", {"name": "chebyshev"}, Chebyshev()], ids=["name", "settings", "object"])
def test_a_basis_is_given_in_three_ways(given):
    config = create_model("kan", width=[2, 3, 1], basis=Chebyshev()).config
    assert create_model("kan", width=[2, 3, 1], basis=given).config == config
    assert create_model("kan", width=[2, 3, 1], basis=[given, given]).config == config
    for name in ("conv_kan", "fast_kan"):
        assert create_model(name, basis=given).config["options"]["basis"]["degree"] == 4
    with pytest.raises(EdgewiseError, match="did you mean 'chebyshev'"):
        create_model("conv_kan", basis="chebishev")


def test_a_basis_without_a_name_is_told():
    class Own(Chebyshev):
        pass

    with pytest.raises(EdgewiseError, match=r"basis Own has no name .* @register_basis"):
        create_model("conv_kan", basis=Own())
