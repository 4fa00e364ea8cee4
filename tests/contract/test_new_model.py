"""A model of somebody's own: one file, and everything that works by names works with it."""

import importlib
import sys
from dataclasses import replace

import pytest
import torch

from edgewise import create_model, list_models
from edgewise.analysis.compare import maker_of
from edgewise.bases import Chebyshev
from edgewise.cli import main
from edgewise.io import save_model
from edgewise.models.registry import MODELS
from edgewise.nn import KANLinear, edge_layers
from edgewise.testing import ModelContract

FILE = '''
"""A KAN on the means of patches; no option has the name that those of this library have."""

from torch import nn

from edgewise.bases import BasisLike
from edgewise.models import Pictures, register_model
from edgewise.nn import KANLinear


@register_model(
    "patches",
    takes=Pictures(channels="bands", classes="labels", side="edge", widths=("nodes",), basis="functions", free=("drop",)),
)
class Patches(nn.Sequential):
    """Means of 4 x 4 patches, then two KAN layers."""

    def __init__(
        self, bands: int = 3, labels: int = 10, edge: int = 16, nodes: int = 8, functions: BasisLike = "fourier",
        drop: float = 0.0,
    ):
        super().__init__(
            nn.AvgPool2d(4), nn.Flatten(), KANLinear(bands * (edge // 4) ** 2, nodes, functions), nn.Dropout(drop),
            KANLinear(nodes, labels, functions),
        )
'''


@pytest.fixture(scope="module", autouse=True)
def _patches(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    (folder / "patches.py").write_text(FILE)
    sys.path.insert(0, str(folder))
    importlib.import_module("patches")
    yield
    MODELS.unregister("patches")
    sys.path.remove(str(folder))
    del sys.modules["patches"]


class TestPatches(ModelContract):
    name, options = "patches", {"labels": 3}
    sizes = ((16, 16),)


def test_it_is_made_by_its_name_and_knows_what_rebuilds_it():
    assert "patches" in list_models()
    config = create_model("patches", functions=Chebyshev(3)).config
    assert config["options"]["functions"]["degree"] == 3
    assert create_model("patches", **config["options"]).config == config


def test_it_is_compared(capsys):
    assert maker_of("patches", (2, 1, 8, 8))()[2].in_features == 4
    assert main(["compare", "patches", "--size", "8", "--channels", "1", "--rounds", "1"]) == 0
    assert f"{4 * 8 * 9 + 8 * 10 * 9:,}" in capsys.readouterr().out


def test_it_names_pictures_and_has_a_plain_network_beside_it():
    pytest.importorskip("lightning")
    from edgewise.vision import ClassificationRecipe, LabelledData, Model
    from edgewise.vision.classification.baseline import matched_baseline
    from edgewise.vision.classification.network import create_classifier

    data = LabelledData(size=(8, 8), channels=1, classes=4)
    recipe = ClassificationRecipe(data=data, model=Model(name="patches"))
    assert [layer.in_features for _, layer in edge_layers(create_classifier(recipe.model, data))] == [4, 8]
    assert matched_baseline(recipe).model.name == "cnn"


def test_it_is_tuned():
    optuna = pytest.importorskip("optuna")
    from edgewise.vision import ClassificationRecipe, Model
    from edgewise.vision.tuning import Space

    recipe = replace(ClassificationRecipe(), model=Model(name="patches"))
    space = Space().fitted(recipe)
    assert space.own(recipe) == {
        "basis": "fourier", "functions": 8, "width": 1.0, "learning_rate": 1e-3, "coefficient_factor": 1.0
    }  # fmt: skip
    drawn = optuna.trial.FixedTrial(
        {"basis": "chebyshev", "functions": 5, "width": 2.0, "learning_rate": 1e-3, "coefficient_factor": 1.0}
    )
    options = space.suggest(drawn, recipe).model.options
    assert (options["functions"]["name"], options["functions"]["degree"], options["nodes"]) == ("chebyshev", 4, 16)


def test_it_starts_from_weights_of_other_classes(tmp_path):
    from edgewise.vision.training.start import start_from

    trained, network = create_model("patches", labels=5, drop=0.1), create_model("patches", labels=2)
    save_model(trained, tmp_path / "model.safetensors")
    start_from(network, {"": tmp_path})
    assert torch.equal(network[2].coef, trained[2].coef)
    assert isinstance(network[-1], KANLinear)
    assert network[-1].out_features == 2
