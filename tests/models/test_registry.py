import pytest
from torch import nn

from edgewise import EdgewiseError
from edgewise.models import create_model, list_models, register_model
from edgewise.models.registry import MODELS


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
