"""U-KAN, ALL U-KAN and its ablations: what they are made of."""

import pytest
import torch
from torch import nn

from edgewise import EdgewiseError
from edgewise.bases import Chebyshev
from edgewise.models import Layers, UShape, all_ukan, all_ukan3d, create_model, ukan, ukan3d, ukan_vanilla
from edgewise.nn import KANConv2d, KANLinear, SaKANConv2d, SaKANLinear, edge_layers


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def kinds(model: nn.Module) -> dict[str, int]:
    """How many layers of each class hold parameters of their own."""
    found: dict[str, int] = {}
    for module in model.modules():
        if any(True for _ in module.parameters(recurse=False)):
            found[type(module).__name__] = found.get(type(module).__name__, 0) + 1
    return found


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (ukan, 6_356_689),
        (ukan_vanilla, 27_492_064),
        (all_ukan, 2_842_547),
        (lambda: all_ukan(swap="linear"), 2_781_457),
    ],
    ids=["ukan", "ukan_vanilla", "all_ukan", "fully connected layers only"],
)
def test_number_of_parameters(model, expected):
    with torch.device("meta"):
        assert parameters(model()) == expected


def test_in_three_dimensions_a_window_of_nine_taps_has_eighteen_more():
    with torch.device("meta"):
        taps = [
            m.weight[..., 0, 0].numel() for m in ukan(1).modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)
        ]
        assert parameters(ukan3d()) == parameters(ukan(1)) + 18 * sum(taps)


def test_published_ratios():
    """Fully connected layers shared: some 57% fewer than U-KAN; all layers: a tenth of the directly stacked KAN."""
    assert round(100 * (1 - 2_781_457 / 6_356_689)) == 56
    assert 27_492_064 / 2_842_547 > 9.6


@pytest.mark.parametrize(
    ("model", "layers"),
    [
        (ukan, {"KANLinear": 12, "Conv2d": 31}),
        (ukan_vanilla, {"KANLinear": 12, "KANConv2d": 31}),
        (all_ukan, {"SaKANLinear": 12, "SaKANConv2d": 31}),
        (lambda **o: all_ukan(swap="linear", **o), {"SaKANLinear": 12, "Conv2d": 31}),
        (lambda **o: all_ukan(swap="conv", **o), {"KANLinear": 12, "SaKANConv2d": 31}),
        (lambda **o: all_ukan(sharing=False, **o), {"KANLinear": 12, "KANConv2d": 31}),
    ],
    ids=["ukan", "ukan_vanilla", "all_ukan", "linear only", "conv only", "not shared"],
)
def test_what_stands_where(model, layers):
    found = kinds(model(widths=(8, 8, 8)))
    assert {name: count for name, count in found.items() if not name.endswith("Norm2d") and name != "LayerNorm"} == layers


def test_no_dense_layer_is_left_in_all_ukan():
    model = all_ukan(widths=(8, 8, 8))
    assert not [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
    assert len(list(edge_layers(model))) == 43


def test_a_kan_of_its_own_in_each_place_of_the_same_sizes():
    """The swapped layers meet the same inputs and outputs, strides and groups as U-KAN's."""
    for own, shared in zip(_convolutions(ukan()), _convolutions(all_ukan()), strict=True):
        assert own == shared


def _convolutions(model: nn.Module) -> list[tuple]:
    found = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            found.append((module.in_channels, module.out_channels, module.kernel_size, module.stride, module.groups))
        elif isinstance(module, SaKANConv2d):
            w = module.window
            found.append((module.in_channels, module.out_channels, w.kernel_size, w.stride, w.groups))
    return found


@pytest.mark.parametrize("swap", ["all", "linear", "conv"])
@pytest.mark.parametrize("grad_free", [True, False])
def test_grad_free_holds_for_the_swapped_layers_alone(swap, grad_free):
    model = all_ukan(widths=(8, 8, 8), swap=swap, grad_free=grad_free)
    for _, layer in edge_layers(model):
        swapped = isinstance(layer, (SaKANLinear, SaKANConv2d))
        assert layer.edge.grad_free == (swapped and grad_free)


def test_a_basis_reaches_all_swapped_layers():
    for model in (all_ukan(widths=(8, 8, 8), basis=Chebyshev(3)), ukan_vanilla(widths=(8, 8, 8), basis=Chebyshev(3))):
        assert {layer.edge.basis for _, layer in edge_layers(model)} == {Chebyshev(3)}


def test_scales_of_efficient_kan():
    for model in (ukan(widths=(8, 8, 8)), ukan_vanilla(widths=(8, 8, 8))):
        assert all(layer.scale is not None for _, layer in edge_layers(model))


def test_one_frame_for_all():
    """Filled with the same layers, the frame is U-KAN."""
    torch.manual_seed(0)
    own = UShape(Layers(lambda i, o: KANLinear(i, o, scale=True), nn.Conv2d), widths=(8, 8, 8))
    other = ukan(widths=(8, 8, 8))
    other.load_state_dict(own.state_dict())
    x = torch.randn(1, 3, 32, 32)
    assert torch.equal(own.eval()(x), other.eval()(x))


FRAMES = {"ukan": (ukan, ukan3d), "all_ukan": (all_ukan, all_ukan3d)}


@pytest.mark.parametrize("flat", [0, 2, 5])
@pytest.mark.parametrize("name", FRAMES)
def test_in_three_dimensions_it_is_the_same_where_slices_do_not_meet(name, flat):
    """With windows that hold the numbers of two dimensions in their middle slice, and zeros before and after it."""
    flatten, spatial = (
        make(1, 2, (8, 8, 8), **more) for make, more in zip(FRAMES[name], ({}, {"flat": flat}), strict=True)
    )
    own, other = flatten.state_dict(), spatial.state_dict()
    assert own.keys() == other.keys()
    for key, value in own.items():
        if other[key].dim() == value.dim() + 1:
            if other[key].shape[-3:] == (3, 3, 3):
                value = torch.stack([torch.zeros_like(value), value, torch.zeros_like(value)], -3)
            else:
                value = value.unsqueeze(-3)
        other[key] = value
    spatial.load_state_dict(other)
    picture = torch.randn(1, 1, 32, 32)
    depth = 32 >> flat
    slices = picture[:, :, None] if depth > 1 else torch.randn(1, 1, 3, 32, 32)  # alike where the depth is halved
    slices = slices.expand(-1, -1, max(depth, 3), -1, -1)
    found = spatial.eval()(slices)
    expected = torch.stack([flatten.eval()(one) for one in slices[:, :, ::8].unbind(2)], 2)
    torch.testing.assert_close(found[:, :, ::8], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("model", "layers"),
    [
        (ukan3d, {"KANLinear": 12, "PaddedDepthConv3d": 31}),
        (all_ukan3d, {"SaKANLinear": 12, "SaKANConv3d": 31}),
        (lambda **o: all_ukan3d(sharing=False, swap="conv", **o), {"KANLinear": 12, "KANConv3d": 31}),
    ],
)
def test_what_stands_where_in_three_dimensions(model, layers):
    found = kinds(model(widths=(8, 8, 8)))
    assert {name: count for name, count in found.items() if name != "LayerNorm" and name != "BatchNorm3d"} == layers


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: create_model("ukann"), "unknown model 'ukann'; did you mean 'ukan'"),
        (lambda: create_model("ukan", width=(8, 8, 8)), "'width'; did you mean 'widths'"),
        (lambda: all_ukan(swap="convs"), "swap must be 'all', 'linear' or 'conv', got 'convs'"),
        (lambda: ukan(widths=(12, 8, 8)), r"the first a multiple of 8.* got widths=\(12, 8, 8\)"),
        (lambda: ukan(in_channels=0), "in_channels=0"),
        (lambda: ukan3d(flat=6), "flat=6 must be 0 to 5 for volumes"),
        (lambda: UShape(Layers(nn.Linear, nn.Conv2d), flat=1), "or 0 for pictures, which have no depth"),
        (
            lambda: ukan3d(widths=(8, 8, 8))(torch.zeros(1, 1, 32, 32, 40)),
            "x 40; the nearest size is 32 x 32 x 32",
        ),
        (lambda: ukan(widths=(8, 8, 8))(torch.zeros(1, 3, 100, 60)), "got 100 x 60; the nearest size is 96 x 64"),
        (lambda: ukan(widths=(8, 8, 8))(torch.zeros(1, 3, 5, 0)), "the nearest size is 32 x 32"),
    ],
)
def test_impossible_settings_are_refused(make, message):
    with pytest.raises(EdgewiseError, match=message):
        make()


def test_unused_classes_are_none():
    assert not [m for m in all_ukan(widths=(8, 8, 8)).modules() if isinstance(m, (KANLinear, KANConv2d))]
