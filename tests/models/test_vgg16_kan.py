import pytest
import torch

from edgewise._ground.errors import ConfigError
from edgewise.models import create_model
from edgewise.testing import assert_within

torchvision_models = pytest.importorskip("torchvision.models")


def on_meta(**options):
    with torch.device("meta"):
        return create_model("vgg16_kan", **options)


@pytest.mark.parametrize(
    ("options", "edges"),
    [
        ({}, 25088 * 2048 + 2048 * 2048 + 2048 * 2),
        ({"image_size": 32, "hidden": (), "num_classes": 10}, 512 * 10),
    ],
    ids=["published", "32"],
)
def test_parameters_are_those_of_the_features_and_nine_an_edge(options, edges):
    model = on_meta(**options)
    assert sum(p.numel() for p in model.stages.parameters()) == 14_723_136  # what torchvision's have
    assert sum(p.numel() for p in model.head.parameters()) == 9 * edges


def test_features_are_those_of_torchvision_in_five_stages():
    model = create_model("vgg16_kan", image_size=32, hidden=(), head="linear").eval()
    reference = torchvision_models.vgg16_bn(weights=None).features.eval()
    reference.load_state_dict(dict(zip(reference.state_dict(), model.stages.state_dict().values(), strict=True)))
    x = torch.randn(1, 3, 64, 32)
    last, maps = model.forward_intermediates(x)
    assert [tuple(m.shape[1:]) for m in maps] == [(64, 32, 16), (128, 16, 8), (256, 8, 4), (512, 4, 2), (512, 2, 1)]
    assert_within(last, reference(x), 1e-6)


def test_pretrained_weights_are_asked_of_torchvision_once(monkeypatch):
    make, asked = torchvision_models.vgg16_bn, []

    def vgg16_bn(weights):
        asked.append(weights)
        return make(weights=None)

    monkeypatch.setattr("torchvision.models.vgg16_bn", vgg16_bn)
    model = on_meta(image_size=32, hidden=(4,), pretrained=True)
    on_meta(**model.config["options"])
    assert asked == ["DEFAULT", None]


def test_other_channels_start_at_the_same_size():
    torch.manual_seed(0)
    model = create_model("vgg16_kan", image_size=32, hidden=(), in_channels=1)
    weight = model.stages[0][0].weight
    assert weight.shape == (64, 1, 3, 3)
    assert weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 31}, "image_size must be at least 32, got 31"),
        ({"pretrained": True, "in_channels": 1}, "pretrained features see 3 channels, got in_channels=1"),
        ({"head": "cheby"}, "unknown head 'cheby'"),
    ],
    ids=["size", "channels", "head"],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        on_meta(**({"image_size": 32} | options))
