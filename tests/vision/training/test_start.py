import pytest
import torch

from edgewise._ground.errors import CheckpointError, ConfigError
from edgewise.io import save_model
from edgewise.models import create_model
from edgewise.vision.training.start import start_from


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


WIDTHS = {"mlp": [4, 3], "kan": [4, [2, 1]], "fast_kan": [4, 3], "fourier_kan": [4, 3], "gated_kan": [4, 3]}


@pytest.mark.parametrize("name", [*WIDTHS, "cnn", "conv_kan", "ukan_vanilla"])
def test_other_classes_leave_all_but_the_last_layer_trained(tmp_path, name):
    def make(classes):
        if name in WIDTHS:
            return create_model(name, width=[*WIDTHS[name], classes])
        return create_model(name, num_classes=classes)

    source, network = make(2), make(3)
    save_model(source, tmp_path / "model.safetensors")
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    start_from(network, {"": tmp_path})
    for key, tensor in network.state_dict().items():
        theirs = source.state_dict()[key]
        assert torch.equal(tensor, theirs if theirs.shape == tensor.shape else before[key]), key


def kan(basis, **options):
    return create_model("kan", width=[2, 3, 1], basis=basis, **options)


NETWORKS = {
    "inputs": lambda: [create_model("mlp", width=[n, 3, 5]) for n in (2, 4)],
    "only layer": lambda: [create_model("mlp", width=[n, 5]) for n in (2, 4)],
    "hidden": lambda: [create_model("mlp", width=[2, n, 5]) for n in (3, 7)],
    "depth": lambda: [create_model("mlp", width=[2, *[3] * n, 5]) for n in (1, 2)],
    "model": lambda: [create_model(name, width=[2, 3, 5]) for name in ("mlp", "kan")],
    "family": lambda: [kan({"name": name, "degree": 7}) for name in ("chebyshev", "legendre")],
    "base": lambda: [kan({"name": "chebyshev"}, base=name) for name in ("silu", "identity")],
    "multiplying": lambda: [create_model("kan", width=[2, 3, last]) for last in (3, [1, 1])],
    "pictures": lambda: [create_model("cnn", in_channels=n) for n in (1, 3)],
}
WORDS = {
    "inputs": r"its width is \[2, 3, 'classes'\] and not \[4, 3, 'classes'\]: start from one with equal options",
    "only layer": r"its width is \[2, 'classes'\] and not \[4, 'classes'\]",
    "hidden": r"its width is \[2, 3, 'classes'\] and not \[2, 7, 'classes'\]",
    "depth": r"its width is \[2, 3, 'classes'\] and not \[2, 3, 3, 'classes'\]",
    "model": "its model is 'mlp' and not 'kan'",
    "family": r"its basis\.0\.name is chebyshev and not legendre: start",
    "base": "its base is silu and not identity",
    "multiplying": r"its width is \[2, 3, 'classes'\] and not \[2, 3, \['classes', \[2\]\]\]",
    "pictures": "its in_channels is 1 and not 3",
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_weights_of_another_function_are_refused(tmp_path, kind):
    source, network = NETWORKS[kind]()
    save_model(source, tmp_path / "model.safetensors")
    before = [p.clone() for p in network.parameters()]
    with pytest.raises(CheckpointError, match=f"holds another network, {WORDS[kind]}"):
        start_from(network, {"": tmp_path})
    assert all(torch.equal(p, q) for p, q in zip(network.parameters(), before, strict=True))


def test_no_embedding_of_places_is_left_at_random(tmp_path):
    pytest.importorskip("timm")
    source, network = (create_model("vit_micro", image_size=side, drop_path=side / 640) for side in (32, 64))
    save_model(source, tmp_path / "model.safetensors")
    words = r"'pos_embed' is \(1, 65, 64\) and not \(1, 257, 64\): only the last layer may differ, by its outputs"
    with pytest.raises(CheckpointError, match=words):
        start_from(network, {"": tmp_path})
    network = create_model("vit_micro", num_classes=3, drop_path=0.1)
    start_from(network, {"": tmp_path})
    assert torch.equal(network.pos_embed, source.pos_embed)


def test_a_part_without_a_configuration_must_fit(trained):
    _, folder = trained
    plain = lambda *width: torch.nn.Sequential(*create_model("mlp", width=width))  # noqa: E731
    start_from(plain(4, 3, 5), {"": folder})
    with pytest.raises(CheckpointError, match=r"'2.weight' is \(5, 3\) and not \(2, 3\): all shapes must fit"):
        start_from(plain(4, 3, 2), {"": folder})
    with pytest.raises(CheckpointError, match=r"'4\.bias' is missing"):
        start_from(plain(4, 3, 3, 5), {"": folder})
    with pytest.raises(CheckpointError, match=r"'2\.bias' is not in the network"):
        start_from(plain(4, 5), {"": folder})


def test_what_is_not_there_is_said(trained, tmp_path):
    with pytest.raises(ConfigError, match="unknown part of the network 'techer'; did you mean 'teacher'"):
        start_from(torch.nn.ModuleDict({"teacher": trained[0]}), {"techer": trained[1]})
    with pytest.raises(CheckpointError, match="does not exist"):
        start_from(trained[0], {"": tmp_path / "nowhere"})
