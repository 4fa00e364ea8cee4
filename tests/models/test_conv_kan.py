import pytest
import torch

from edgewise._ground.errors import ConfigError
from edgewise.bases import BSpline
from edgewise.models import create_model
from edgewise.testing import assert_within


def parameters(**options):
    return sum(p.numel() for p in create_model("conv_kan", **options).parameters())


def test_parameters_of_the_papers_networks():
    """Theirs have one more a function, its scale: 74.9, 33.5, 9.94 and 8.01 thousand."""
    convolutions, small = 9 * (5 + 50), 9 * (5 + 25)
    assert parameters() == (convolutions + 2500) * 24 == 74_875 - convolutions - 2500
    dense = {"basis": BSpline(10), "head": "linear"}
    assert parameters(**dense, hidden=(100,)) == 33_535 - convolutions
    assert parameters(**dense) == 9_935 - convolutions
    assert parameters(widths=(5, 5), basis=BSpline(20), head="linear") == 8_010 - small


def test_it_is_convolution_and_pooling_in_turn_then_a_layer_on_all_pixels():
    model = create_model("conv_kan", dropout=0.5).eval()
    x = y = model.example_input()
    for stage in model.stages:
        y = torch.max_pool2d(stage[0].conv(y), 2)
    assert y.shape == (2, 10, 5, 5)
    assert_within(model(x), model.head[0](y.flatten(1)), 1e-6)
    assert [name for stage in model.stages for name, _ in stage[0].named_children()] == ["conv", "dropout", "conv"]


@pytest.mark.parametrize("pool", ["flatten", "mean"])
@pytest.mark.parametrize("options", [{}, {"padding": 1}, {"kernel_size": 5}, {"kernel_size": 5, "padding": 1}], ids=str)
def test_the_smallest_picture_is_what_it_says(options, pool):
    options = options | {"widths": (2, 2, 2), "pool": pool, "norm": "batch"}
    with pytest.raises(ConfigError, match=r"image_size must be at least (\d+)") as caught:
        create_model("conv_kan", **options, image_size=1)
    least = int(str(caught.value).split("at least ")[1].split()[0])
    with pytest.raises(ConfigError, match="image_size must be at least"):
        create_model("conv_kan", **options, image_size=least - 1)
    model = create_model("conv_kan", **options, image_size=least).eval()
    assert model(model.example_input()).shape == (2, 10)
    assert model.forward_features(model.example_input()).shape[2:] == (1, 1)
    if pool == "mean":
        assert model(torch.zeros(1, 1, least + 3, least)).shape == (1, 10)
        with pytest.raises(ConfigError, match=f"with sides of at least {least}"):
            model(torch.zeros(1, 1, least - 1, least))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pool": "max"}, "pool must be 'flatten' or 'mean', got 'max'"),
        ({"widths": ()}, r"widths must be at least 1, got \(\)"),
        ({"widths": (2, 0)}, r"widths must be at least 1, got \(2, 0\)"),
        ({"norm": "bacth"}, "unknown norm 'bacth'; did you mean 'batch'"),
        ({"dropout": 1.0}, "dropout must be at least 0 and less than 1, got 1.0"),
    ],
    ids=["pool", "none", "zero", "norm", "dropout"],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        create_model("conv_kan", **options)
