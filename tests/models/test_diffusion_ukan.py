"""Diffusion U-KAN: what it is made of, and how it hears the step."""

import math

import pytest
import torch
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.bases import Chebyshev
from edgewise.models import all_ukan_diffusion, create_model, ukan_diffusion
from edgewise.models.diffusion_ukan import Clock
from edgewise.nn import KANLinear, SaKANConv2d, SaKANLinear, edge_layers

WIDTHS = (16, 24, 32)


def kinds(model: nn.Module) -> dict[str, int]:
    found: dict[str, int] = {}
    for module in model.modules():
        if any(True for _ in module.parameters(recurse=False)):
            found[type(module).__name__] = found.get(type(module).__name__, 0) + 1
    return found


def test_it_is_u_kan_told_the_step_with_one_skip_more():
    """U-KAN has 12 KAN layers and 31 convolutions; the join adds two, the clock 2 layers, the twelve stages one each."""
    found = kinds(ukan_diffusion(widths=WIDTHS))
    assert (found["KANLinear"], found["Conv2d"], found["Linear"]) == (12, 31 + 2, 2 + 12)
    assert "BatchNorm2d" not in found


def test_all_u_kan_has_no_fully_connected_layer_and_no_convolution_left():
    model = all_ukan_diffusion(widths=WIDTHS, basis=Chebyshev(4))
    found = kinds(model)
    assert (found["SaKANLinear"], found["SaKANConv2d"]) == (12 + 2 + 12, 31 + 2)
    assert not {"Linear", "Conv2d", "BatchNorm2d"} & found.keys()
    layers = dict(edge_layers(model)).values()
    assert all(isinstance(layer, SaKANLinear | SaKANConv2d) for layer in layers)
    assert not any(isinstance(layer, KANLinear) for layer in layers)


def test_the_clock_is_made_of_sines_and_cosines_of_falling_frequency():
    clock = Clock(3, 6)
    clock.layers = nn.Identity()
    clock.like = nn.Parameter(torch.zeros(1))
    found = clock(torch.tensor([0, 5])).tolist()
    frequencies = [10_000 ** (-n / 3) for n in range(3)]
    assert found[0] == [0, 0, 0, 1, 1, 1]
    expected = [*(math.sin(5 * f) for f in frequencies), *(math.cos(5 * f) for f in frequencies)]
    assert found[1] == pytest.approx(expected, abs=1e-6)


def test_noise_from_pixel_to_pixel_can_be_found():
    """U-KAN's own frame ends in maps of half the side, a quarter of the numbers: three quarters are left."""
    torch.manual_seed(0)
    model = ukan_diffusion(in_channels=1, widths=WIDTHS)
    noise = torch.randn(4, 1, 32, 32)
    steps = torch.full((4,), 3)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(60):
        loss = (model(noise, steps) - noise).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.6


def test_sizes_and_widths_that_cannot_be():
    model = create_model("ukan_diffusion", in_channels=1, widths=[8, 8, 8])
    with pytest.raises(ConfigError, match="sides must be multiples of 32, got 48 x 64; the nearest size is 64 x 64"):
        model(torch.zeros(1, 1, 48, 64), torch.zeros(1))
    with pytest.raises(ConfigError, match="widths must be three positive numbers"):
        create_model("all_ukan_diffusion", widths=[9, 8, 8])
