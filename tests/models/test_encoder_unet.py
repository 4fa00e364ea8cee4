import pytest
import torch
import torch.nn.functional as F

from edgewise._ground.errors import ConfigError
from edgewise.models import create_model
from edgewise.nn import KANConv2d

timm = pytest.importorskip("timm")
SMALL = {"encoder": "test_efficientnet", "widths": (8, 6, 4, 4)}


def test_it_is_timms_maps_joined_from_coarse_to_fine():
    torch.manual_seed(0)
    model = create_model("encoder_unet", in_channels=1, num_classes=3, **SMALL).eval()
    plain = timm.create_model("test_efficientnet", features_only=True, in_chans=1).eval()
    plain.load_state_dict(model.encoder.state_dict())
    x = torch.randn(2, 1, 40, 70)
    with torch.no_grad():
        *skips, found = plain(x)
        for merge in model.merge:
            skip = skips.pop()
            large = F.interpolate(found, skip.shape[2:], mode="bilinear", align_corners=False)
            found = merge(torch.cat([large, skip], 1))
        expected = model.head(F.interpolate(found, (40, 70), mode="bilinear", align_corners=False))
        torch.testing.assert_close(model(x), expected)
    assert expected.shape == (2, 3, 40, 70)
    assert [sum(isinstance(part, KANConv2d) for part in module.modules()) for module in (model.merge, model.encoder)] == [
        4,
        0,
    ]


@pytest.mark.parametrize(("name", "widths"), [("resnet18", (8, 8, 4, 4)), ("test_convnext", (8, 4, 4))])
def test_other_encoders_have_their_own_number_of_maps(name, widths):
    model = create_model("encoder_unet", encoder=name, widths=widths).eval()
    assert model(torch.zeros(1, 3, 33, 64)).shape == (1, 1, 33, 64)


def test_fetched_weights_are_kept_and_not_fetched_again(monkeypatch):
    asked, make = [], timm.create_model

    def spy(name, pretrained=False, **options):
        asked.append(pretrained)
        return make(name, **options)

    monkeypatch.setattr(timm, "create_model", spy)
    model = create_model("encoder_unet", pretrained=True, **SMALL)
    create_model(model.config["name"], **model.config["options"])
    assert asked == [True, False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": "resnet_18"}, "timm has no network 'resnet_18'; did you mean 'resnet18'"),
        ({"encoder": "test_vit", "widths": (4, 4)}, r"maps at steps of \[16, 16, 16\] pixels"),
        ({"encoder": "test_mambaout", "widths": (4, 4, 4)}, "with channels last"),
        ({"encoder": "test_efficientnet", "widths": (4, 4)}, r"has 5 maps and the decoder needs 4 widths, .* got \(4, 4\)"),
        ({"num_classes": 0}, "num_classes must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        create_model("encoder_unet", **options)
