import pytest
import torch
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.bases import Gram
from edgewise.models import create_model
from edgewise.nn import BottleneckKANConv2d, edge_layers


@pytest.mark.parametrize("name", ["vgg_kan", "resnet_kan"])
def test_all_layers_with_weights_are_kan_layers_or_norms(name):
    model = create_model(name, widths=(4, 6), depths=(1, 2))
    edges = {layer_name for layer_name, _ in edge_layers(model)}
    assert all(isinstance(layer.edge.basis.basis, Gram) for _, layer in edge_layers(model))
    for parameter, _ in model.named_parameters():
        owner = parameter.rpartition(".")[0].removesuffix(".state")
        assert owner in edges or isinstance(model.get_submodule(owner), nn.BatchNorm2d)


def test_parameters_of_vgg11():
    channels, coefficients = 3, 0
    for width, depth in zip((64, 128, 256, 512, 512), (1, 1, 2, 2, 2), strict=True):
        for _ in range(depth):
            coefficients += (
                channels * (9 * width * 5 + 2) + 2 * width
            )  # 4 functions and a base; 2 numbers of recurrence; norm
            channels = width
    with torch.device("meta"):
        model = create_model("vgg_kan")
    assert sum(p.numel() for p in model.parameters()) == coefficients + 512 * (10 * 5 + 2)


@pytest.mark.parametrize("name", ["vgg_kan", "resnet_kan"])
def test_bottlenecks_work_on_fewer_channels(name):
    model = create_model(name, widths=(8, 16), depths=(1, 1), reduction=4)
    bottlenecks = [m for m in model.modules() if isinstance(m, BottleneckKANConv2d)]
    assert bottlenecks
    assert all(m.conv.in_channels == -(-m.squeeze.in_channels // 4) for m in bottlenecks)


def test_a_residual_block_is_a_short_cut_beside_two_blocks():
    model = create_model("resnet_kan", widths=(4, 6), depths=(1, 2)).eval()
    x = torch.randn(2, 4, 8, 8)
    same, change = model.stages[0][1], model.stages[1][0]
    assert isinstance(same.short, nn.Identity)
    assert torch.equal(same(x), x + same.second(same.first(x)))
    assert torch.equal(change(x), change.short(x) + change.second(change.first(x)))
    assert change(x).shape == (2, 6, 4, 4)


@pytest.mark.parametrize(("stem", "sides"), [("small", [32, 16]), ("large", [8, 4])])
def test_the_stem_decides_on_the_sides(stem, sides):
    model = create_model("resnet_kan", widths=(2, 3), depths=(1, 1), stem=stem).eval()
    assert [m.shape[-1] for m in model.forward_intermediates(model.example_input())[1]] == sides


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("vgg_kan", {"widths": (4, 4), "depths": (1,)}, r"a number for each stage, got \[4, 4\] and \[1\]"),
        ("resnet_kan", {"widths": (4, 4), "depths": (1,)}, r"a number for each stage, got \[4, 4\] and \[1\]"),
        ("resnet_kan", {"stem": "middle"}, "stem must be 'small' or 'large', got 'middle'"),
        ("vgg_kan", {"depths": (1, 1, 0, 1, 1)}, r"depths must be at least 1, got \(1, 1, 0, 1, 1\)"),
        ("vgg_kan", {"reduction": 0}, "reduction must be at least 1, got 0"),
        ("resnet_kan", {"in_channels": 0}, "in_channels must be at least 1, got 0"),
    ],
    ids=["vgg stages", "resnet stages", "stem", "depths", "reduction", "channels"],
)
def test_impossible_settings_are_refused(name, options, message):
    with pytest.raises(ConfigError, match=message):
        create_model(name, **options)
