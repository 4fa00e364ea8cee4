import pytest
import torch
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.io import load_model, save_model
from edgewise.models import create_model


def test_a_perceptron_is_linear_layers_with_relu_between():
    model = create_model("mlp", width=[5, 4, 3, 2])
    x, (first, second, third) = torch.randn(7, 5), [layer for layer in model if isinstance(layer, nn.Linear)]
    assert torch.equal(model(x), third(second(first(x).relu()).relu()))


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_a_convolutional_network_takes_any_size_and_has_the_parameters_of_its_formula(stages):
    model = create_model("cnn", num_classes=7, in_channels=2, width=4, stages=stages)
    for size in (2 ** (stages - 1), 28, 33):
        assert model.eval()(torch.zeros(2, 2, size, size)).shape == (2, 7)
    count, before = 0, 2
    for stage in range(stages):
        after = 4 * 2**stage
        count += 9 * after * (before + after) + 4 * after
        before = after
    assert sum(p.numel() for p in model.parameters()) == count + 7 * before + 7


@pytest.mark.parametrize(("name", "options"), [("mlp", {"width": [3, 2]}), ("cnn", {"width": 2})])
def test_saved_and_loaded_they_are_the_same(tmp_path, name, options):
    model = create_model(name, **options).eval()
    save_model(model, tmp_path / "model.safetensors")
    x = torch.randn(2, 3) if name == "mlp" else torch.randn(2, 3, 8, 8)
    assert torch.equal(load_model(tmp_path / "model.safetensors")(x), model(x))


@pytest.mark.parametrize(("name", "options"), [("mlp", {"width": [3]}), ("mlp", {"width": [3, 0]}), ("cnn", {"stages": 0})])
def test_impossible_sizes_are_refused(name, options):
    with pytest.raises(ConfigError, match="at least"):
        create_model(name, **options)
