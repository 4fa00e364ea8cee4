from dataclasses import replace

import pytest
import torch

from edgewise._ground.errors import ConfigError
from edgewise.analysis import Timing, count_flops, count_parameters
from edgewise.models import Pictures, cnn, register_model
from edgewise.models.registry import MODELS
from edgewise.vision import Model, create_recipe
from edgewise.vision.classification.baseline import matched_baseline, nearest_width
from edgewise.vision.classification.network import create_classifier


def parameters(recipe):
    return count_parameters(create_classifier(recipe.model, recipe.data))


def test_the_perceptron_beside_a_kan_has_its_parameters_and_depth():
    recipe = replace(create_recipe("mnist"), model=Model(name="kan", options={"width": [784, 16, 8, 10]}))
    plain = matched_baseline(recipe)
    first, *hidden, last = plain.model.options["width"]
    assert (plain.model.name, first, last, len(hidden)) == ("mlp", 784, 10, 2)
    assert parameters(plain) == pytest.approx(parameters(recipe), rel=0.01)
    for step in (-1, 1):
        other = Model(name="mlp", options={"width": [784, *[width + step for width in hidden], 10]})
        distance = abs(parameters(replace(plain, model=other)) - parameters(recipe))
        assert distance >= abs(parameters(plain) - parameters(recipe))
    assert replace(plain, model=recipe.model) == recipe


def test_widths_by_default_count_too():
    recipe = replace(create_recipe("mnist"), model=Model(name="cheby_kan"))  # [784, 32, 16, 10]
    first, *hidden, last = matched_baseline(recipe).model.options["width"]
    assert (first, last, len(hidden)) == (784, 10, 2)


def test_a_model_of_pictures_gets_a_convolutional_network(recipe):
    register_model("other", takes=Pictures())(lambda num_classes, in_channels: cnn(num_classes, in_channels, 9))
    try:
        plain = matched_baseline(replace(recipe, model=Model(name="other")))
    finally:
        MODELS.unregister("other")
    assert plain.model == Model(name="cnn", options={"width": 9})


def test_operations_are_matched_too(recipe):
    plain = matched_baseline(recipe, "flops")
    into, hidden, out = plain.model.options["width"]
    flops = {}
    for name, r in (("ours", recipe), ("plain", plain)):
        with torch.no_grad():
            flops[name] = count_flops(create_classifier(r.model, r.data).eval(), torch.zeros(1, 1, *r.data.size))["total"]
    assert flops["plain"] == 2 * hidden * (into + out) + (hidden + out) + hidden  # products, biases, ReLU
    assert abs(flops["plain"] - flops["ours"]) <= into + out + 1  # half a node


def test_time_is_matched_by_the_steps_of_both(recipe, monkeypatch):
    # Seconds that are in proportion to the parameters: the width by time must be the one by parameters.
    def seconds(steps, rounds):
        counts = {name: count_parameters(step) for name, step in steps.items()}
        return {name: Timing(median=float(count), spread=0.0) for name, count in counts.items()}

    monkeypatch.setattr("edgewise.vision.classification.baseline.training_step", lambda network, batch: network)
    monkeypatch.setattr("edgewise.vision.classification.baseline.compare_times", seconds)
    assert matched_baseline(recipe, "time") == matched_baseline(recipe, "parameters")


def test_time_is_measured(recipe):
    plain = matched_baseline(recipe, "time")
    assert plain.model.name == "mlp"
    assert replace(plain, model=recipe.model) == recipe


def test_several_devices_have_no_time(recipe):
    several = replace(recipe, machine=replace(recipe.machine, devices=2))
    with pytest.raises(ConfigError, match=r"matched on one device, got machine.devices=2: match flops"):
        matched_baseline(several, "time")


def test_the_nearest_width_wins():
    assert nearest_width(lambda width: 10 * width, 44) == 4
    assert nearest_width(lambda width: 10 * width, 46) == 5
    assert nearest_width(lambda width: 10 * width, 1) == 1


def test_what_has_no_baseline_is_told(recipe):
    with pytest.raises(ConfigError, match="is plain already"):
        matched_baseline(replace(recipe, model=Model(name="mlp")))
    with pytest.raises(ConfigError, match="did you mean 'parameters'"):
        matched_baseline(recipe, "parameter")
