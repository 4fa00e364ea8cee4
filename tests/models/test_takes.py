"""What models say of their options, against what these do."""

import inspect

import pytest
from torch import nn

from edgewise import EdgewiseError
from edgewise.bases import Basis, Chebyshev
from edgewise.models import FixedBasis, NoisyPictures, Pictures, Rows, Takes, Volumes, list_models, register_model
from edgewise.models.registry import MODELS, takes_of

OPTIONS = {"width": [784, [6, 2], 8, 10], "widths": (64, 128), "hidden": 30, "depths": (2, 2), "in_channels": 3}


def test_every_model_says_what_it_takes_and_has_the_options_that_it_names():
    for name in list_models():
        takes, parameters = takes_of(name), inspect.signature(MODELS[name]).parameters
        assert isinstance(takes, Pictures | Volumes | NoisyPictures | Rows), name
        assert takes.names <= parameters.keys(), name
        if isinstance(takes.basis, FixedBasis):
            size = parameters[takes.basis.size].default
            assert isinstance(takes.basis.kind(**{takes.basis.size: size}), Basis), name
        else:
            assert (takes.basis is not None) == ("basis" in parameters), name


def test_what_a_model_says_of_options_that_it_has_not_is_refused():
    with pytest.raises(
        EdgewiseError, match="takes of model 'own' names 'side' and its options are in_channels, num_classes"
    ):
        register_model("own", takes=Pictures(side="side"))(lambda in_channels, num_classes: nn.Identity())
    assert "own" not in list_models()


def test_what_follows_from_the_data():
    assert Pictures().options_for(1, 10, 28) == {"in_channels": 1, "num_classes": 10}
    assert Volumes(channels="bands").options_for(4, 3, 64) == {"bands": 4, "num_classes": 3}
    assert Pictures(channels="bands", side="size").options_for(4, side=64) == {"bands": 4, "size": 64}


def test_hidden_widths_are_scaled_and_ends_are_not():
    double = lambda value: [2 * item for item in value] if isinstance(value, list) else 2 * value  # noqa: E731
    assert Pictures(widths=("widths", "hidden")).scaled(OPTIONS, double) == {"widths": [128, 256], "hidden": 60}
    assert Rows().scaled(OPTIONS, double) == {"width": [784, [12, 4], 16, 10]}
    assert Rows().scaled({"width": [784, 10]}, double) == Rows().scaled({}, double) == {}
    assert Takes().scaled(OPTIONS, double) == {}


def test_what_weights_compute_depends_neither_on_classes_nor_on_what_is_free():
    options = {"in_channels": 3, "num_classes": 10, "image_size": 32, "dropout": 0.1, "norm": "batch"}
    takes = Pictures(side="image_size", free=("dropout",))
    assert takes.decisive(options) == {"in_channels": 3, "norm": "batch"}
    assert Rows().decisive({"width": [4, 3, 10]}) == {"width": [4, 3, "classes"]}
    assert Rows().decisive({"width": [4, [10, [2]]]}) == {"width": [4, ["classes", [2]]]}


def test_the_names_that_are_given():
    takes = Rows(basis=FixedBasis(Chebyshev, "degree"), free=("dropout",), fetched="pretrained")
    assert takes.names == {"width", "degree", "dropout", "pretrained"}
    assert Takes(basis="functions", shorthands=("grid",)).names == {"functions", "grid"}
