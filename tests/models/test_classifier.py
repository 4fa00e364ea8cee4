"""timm's manners, on networks of several stages."""

import pytest
import torch
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.bases import BSpline
from edgewise.io import load_model, save_model
from edgewise.models import create_model
from edgewise.models.blocks import fully_connected
from edgewise.nn import KANLinear

NETWORKS = {
    "conv_kan": {"widths": (2, 3, 4), "padding": 1, "image_size": 12},
    "vgg_kan": {"widths": (2, 3, 4), "depths": (1, 1, 1)},
    "resnet_kan": {"widths": (2, 3, 4), "depths": (1, 1, 1)},
}


@pytest.fixture(params=NETWORKS)
def model(request):
    return create_model(request.param, **NETWORKS[request.param]).eval()


def test_features_then_head_is_the_network(model):
    x = model.example_input()
    assert torch.equal(model.forward_head(model.forward_features(x)), model(x))


def test_intermediates_are_the_maps_of_the_stages(model):
    x = model.example_input()
    last, maps = model.forward_intermediates(x)
    assert [m.shape[1] for m in maps] == [2, 3, 4]
    assert torch.equal(last, model.forward_features(x))
    for stage, before, after in zip(model.stages, [x, *maps], maps, strict=False):
        assert torch.equal(stage(before), after)
    for indices, expected in ((2, maps[1:]), ([0], maps[:1]), ([-1, 0], [maps[0], maps[2]]), ([1, 1], [maps[1]] * 2)):
        found = model.forward_intermediates(x, indices)[1]
        assert len(found) == len(expected)
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    with pytest.raises(ConfigError, match=r"stages count from 0 to 2, got indices=\[3\]"):
        model.forward_intermediates(x, [3])


@pytest.mark.parametrize("name", NETWORKS)
def test_features_only_are_the_intermediates_without_the_rest(name, tmp_path):
    torch.manual_seed(0)
    whole = create_model(name, **NETWORKS[name]).eval()
    torch.manual_seed(0)
    features = create_model(name, features_only=True, out_indices=(0, 1), **NETWORKS[name]).eval()
    x = features.example_input()
    expected = whole.forward_intermediates(x, (0, 1))[1]
    assert all(torch.equal(a, b) for a, b in zip(features(x), expected, strict=True))
    assert features.channels == (2, 3)
    assert features.reduction == tuple(round(x.shape[-1] / m.shape[-1]) for m in expected)
    assert len(list(features.parameters())) < len(list(whole.parameters()))
    save_model(features, tmp_path / "features.safetensors")
    loaded = load_model(tmp_path / "features.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(loaded(x), expected, strict=True))
    program = torch.export.export(features, (x,))
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(program.module()(x), expected, strict=True))


def test_measuring_the_maps_changes_nothing():
    features = create_model("resnet_kan", features_only=True, **NETWORKS["resnet_kan"])
    before = {name: value.clone() for name, value in features.state_dict().items()}
    assert len(features.channels) == len(features.reduction) == 3
    assert features.training
    assert all(torch.equal(value, before[name]) for name, value in features.state_dict().items())


def test_what_has_no_maps_is_told():
    with pytest.raises(ConfigError, match="Sequential has no stages of maps: leave features_only off"):
        create_model("cnn", features_only=True)
    with pytest.raises(ConfigError, match=r"stages count from 0 to 2, got indices=\(3,\)"):
        create_model("vgg_kan", features_only=True, out_indices=(3,), **NETWORKS["vgg_kan"])
    with pytest.raises(ConfigError, match="add features_only=True"):
        create_model("cnn", out_indices=2)


def test_the_head_is_exchanged_and_the_rest_stays(model, tmp_path):
    x = model.example_input()
    features = model.forward_features(x)
    model.double().reset_classifier(7)
    assert model(x.double()).shape == (2, 7)
    assert not model.head.training
    assert torch.allclose(model.forward_features(x.double()).float(), features, atol=1e-5)
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded.num_classes == 7
    assert torch.equal(loaded(x.double()), model(x.double()))
    model.train().reset_classifier(0)
    assert isinstance(model.head, nn.Identity)
    assert torch.equal(model.eval()(x.double()), model.pool(model.forward_features(x.double())))
    with pytest.raises(ConfigError, match="num_classes must be at least 0, got -1"):
        model.reset_classifier(-1)


def test_pictures_of_other_channels_are_refused(model):
    with pytest.raises(ConfigError, match=rf"expected pictures \(N, {model.in_channels}, H, W\) with sides of"):
        model(torch.zeros(2, 5, 12, 12))


def test_the_head_is_layers_of_one_kind_with_what_was_asked_for_before_each():
    kan = fully_connected(3, into=8, hidden=(4,), basis=BSpline(), norm=True, dropout=0.5)
    assert [type(m) for m in kan] == [nn.LayerNorm, nn.Dropout, KANLinear] * 2
    dense = fully_connected(3, into=8, hidden=(4,), kind="linear")
    assert [type(m) for m in dense] == [nn.Linear, nn.ReLU, nn.Linear]
    with pytest.raises(ConfigError, match="unknown head 'liner'; did you mean 'linear'"):
        fully_connected(3, into=8, kind="liner")
