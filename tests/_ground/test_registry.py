import pytest

from edgewise._ground.errors import ConfigError
from edgewise.models import create_model
from edgewise.models.registry import MODELS, config_of
from edgewise.vision import RECIPES, create_recipe
from edgewise.vision.data import DATASETS, SPLITS, create_dataset


@pytest.mark.parametrize("registry", [MODELS, RECIPES, DATASETS, SPLITS], ids=lambda registry: registry.kind)
def test_a_hyphen_and_an_underscore_are_one(registry):
    for name in registry:
        for other in (name.replace("_", "-"), name.replace("-", "_")):
            assert other in registry
            assert registry[other] is registry[name]


def test_a_network_knows_itself_by_the_name_it_is_registered_under():
    model = create_model("cheby-kan", width=[2, 1])
    assert config_of(model)["name"] == "cheby_kan"
    assert model.example_input().shape == (2, 2)


def test_recipes_are_spelt_as_datasets_are():
    assert all("-" not in name for name in RECIPES)
    assert create_recipe("cats-vs-dogs") == create_recipe("cats_vs_dogs")
    assert create_recipe("cats-vs-dogs").data.name in DATASETS


def test_what_is_spelt_otherwise_is_unknown():
    with pytest.raises(ConfigError, match="unknown dataset 'fold er'; did you mean 'folder'"):
        create_dataset("fold er")
    assert 3 not in MODELS
