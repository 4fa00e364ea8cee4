"""Channels last in memory: layers and models survive the change, and compute what they did."""

import copy

import pytest
import torch
from torch import nn

from edgewise import create_model, use_backend
from edgewise.bases import BSpline
from edgewise.nn import (
    FullRankAttention,
    KANConv1d,
    KANConv2d,
    KANConv3d,
    KANConvTranspose2d,
    KANConvTranspose3d,
    SaKANConv1d,
    SaKANConv2d,
    SaKANConv3d,
)
from edgewise.ops import backends_for
from edgewise.testing import assert_within, gradients

BASIS = BSpline(3, 2, knots="per-feature")
FORMATS = {1: torch.channels_last, 2: torch.channels_last, 3: torch.channels_last_3d}
LAYERS = {
    "KANConv1d": lambda: KANConv1d(4, 6, 3, basis=BASIS),
    "KANConv2d": lambda: KANConv2d(4, 6, 3, padding=1, groups=2, scale=True, bias=True, basis=BASIS),
    "KANConv3d": lambda: KANConv3d(4, 2, 2, basis=BASIS),
    "KANConvTranspose2d": lambda: KANConvTranspose2d(4, 6, 3, groups=2, basis=BASIS),
    "KANConvTranspose3d": lambda: KANConvTranspose3d(4, 2, 2, basis=BASIS),
    "SaKANConv1d": lambda: SaKANConv1d(4, 6, 3, basis=BASIS),
    "SaKANConv2d": lambda: SaKANConv2d(4, 6, 3, padding=1, stride=2, basis=BASIS),
    "SaKANConv2d, depthwise": lambda: SaKANConv2d(4, 4, 3, padding=1, groups=4, basis=BASIS),
    "SaKANConv3d": lambda: SaKANConv3d(4, 2, 2, basis=BASIS),
}


@pytest.mark.parametrize("backend", backends_for("cpu"))
@pytest.mark.parametrize("name", LAYERS)
def test_layers_and_inputs_with_channels_last(name, backend):
    layer = LAYERS[name]().double()
    x, form = torch.randn(2, 4, *[5, 4, 3][: layer.space], dtype=torch.float64), FORMATS[layer.space]
    moved, z = copy.deepcopy(layer).to(memory_format=form), x if layer.space == 1 else x.to(memory_format=form)
    with use_backend(backend):
        expected = gradients(layer, x)
        for module, given in ((layer, z), (moved, x), (moved, z)):
            for key, found in gradients(module, given).items():
                assert_within(found, expected[key], 1e-10)


def test_dense_weights_take_the_format_and_coefficients_are_left_alone():
    layer, dense = KANConv2d(4, 6, 3), nn.Conv2d(4, 6, 3)
    coef = layer.coef
    nn.Sequential(layer, dense).to(memory_format=torch.channels_last)
    for weight in (layer.base_weight, dense.weight):
        assert weight.is_contiguous(memory_format=torch.channels_last)
    assert layer.coef is coef
    assert coef.is_contiguous()


@pytest.mark.parametrize("form", [torch.channels_last, torch.channels_last_3d], ids=str)
@pytest.mark.parametrize("make", [lambda: KANConv1d(2, 3, 3), lambda: FullRankAttention(5, 2)], ids=["1d", "attention"])
def test_what_is_no_image_may_stand_in_a_model_of_images(make, form):
    layer = make().to(memory_format=form)
    assert all(t.is_contiguous() for t in layer.parameters())


def test_other_changes_reach_coefficients():
    layer = KANConv2d(2, 3, 3)
    before = layer.coef.detach().clone()
    assert layer.double().coef.dtype == torch.float64
    assert torch.equal(layer.float().coef, before)
    assert layer.to("meta").coef.is_meta
    assert layer.to_empty(device="cpu").coef.shape == before.shape
    assert layer.share_memory().coef.is_shared()


def test_modules_inside_are_reached_once():
    calls = []
    layer = KANConv2d(2, 3, 3, basis=BASIS)
    layer._apply(lambda t: (calls.append(t.numel()), t)[1])
    assert sorted(calls) == sorted(t.numel() for t in (*layer.parameters(), *layer.buffers()))


@pytest.mark.parametrize("name", ["all_ukan", "ukan_vanilla"])
def test_models_of_images(name):
    model = create_model(name, widths=(8, 8, 8)).double().eval()
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    with torch.no_grad():
        expected = model(x)
        found = model.to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last))
    assert_within(found, expected, 1e-9)
