import pytest
import torch

from edgewise._errors import CheckpointError, ConfigError
from edgewise.io import save_model
from edgewise.models import create_model
from edgewise.training.start import start_from


@pytest.fixture
def trained(tmp_path):
    model = create_model("mlp", width=[4, 3, 5])
    save_model(model, tmp_path / "model.safetensors")
    return model, tmp_path


def test_all_weights_are_copied(trained):
    source, folder = trained
    network = create_model("mlp", width=[4, 3, 5])
    start_from(network, {"": folder / "model.safetensors"})
    assert all(torch.equal(p, q) for p, q in zip(network.parameters(), source.parameters(), strict=True))


def test_the_layer_of_the_classes_keeps_its_own(trained):
    source, folder = trained
    network = create_model("mlp", width=[4, 3, 2])
    own = network[-1].weight.clone()
    start_from(network, {"": str(folder)})
    assert torch.equal(network[0].weight, source[0].weight)
    assert torch.equal(network[-1].weight, own)


def test_parts_start_by_themselves(trained):
    source, folder = trained
    network = torch.nn.ModuleDict({"student": create_model("mlp", width=[4, 3, 5]), "teacher": source})
    start_from(network, {"student": folder})
    assert torch.equal(network["student"][0].weight, source[0].weight)


@pytest.mark.parametrize(
    ("width", "words"),
    [
        ([4, 7, 5], r"'0.bias' is \(3,\) and not \(7,\): only the layer of the classes may differ"),
        ([4, 3, 3, 5], r"'4\.bias' is missing"),
        ([4, 5], r"'2\.bias' is not in the network"),
    ],
)
def test_another_network_is_refused(trained, width, words):
    network = create_model("mlp", width=width)
    before = [p.clone() for p in network.parameters()]
    with pytest.raises(CheckpointError, match=words):
        start_from(network, {"": trained[1]})
    assert all(torch.equal(p, q) for p, q in zip(network.parameters(), before, strict=True))


def test_what_is_not_there_is_said(trained, tmp_path):
    with pytest.raises(ConfigError, match="unknown part of the network 'techer'; did you mean 'teacher'"):
        start_from(torch.nn.ModuleDict({"teacher": trained[0]}), {"techer": trained[1]})
    with pytest.raises(CheckpointError, match="does not exist"):
        start_from(trained[0], {"": tmp_path / "nowhere"})
