import math

import pytest
import torch

from edgewise.physics.weak import noise, smoothed, windows
from edgewise.testing import assert_within


def uneven(count=800):
    steps = 1 + 0.3 * torch.sin(torch.linspace(0, 9, count)).double()
    return steps.cumsum(0) / steps.sum() * 6


def test_integrals_by_parts_hold():
    """Of x = sin t, with x' = cos t, on even times."""
    t = torch.linspace(0, 6, 1500).double()
    psi = windows(t)
    assert_within(-psi.slopes @ torch.sin(t), psi.values @ torch.cos(t), 1e-7)
    assert_within(psi.slopes.norm(dim=1), torch.ones(len(psi.slopes)).double(), 1e-12)
    assert (psi.slopes.sum(1).abs() < 1e-7).all()


def test_integrals_by_parts_hold_on_times_of_their_own():
    t = uneven()
    psi = windows(t)
    assert_within(-psi.slopes @ torch.sin(t), psi.values @ torch.cos(t), 1e-4)


@pytest.mark.parametrize("size", [1e-3, 0.1])
def test_noise_is_told_from_motion(size):
    torch.manual_seed(0)
    t = torch.linspace(0, 10, 1000).double()
    x = torch.stack([torch.sin(t), torch.cos(3 * t)], 1)
    found = noise(x + size * torch.randn(1000, 2).double())
    assert_within(found, torch.full((2,), size).double(), 0.1)
    assert noise(x).max() < 1e-6


def test_smoothing_keeps_cubics_and_lessens_noise():
    torch.manual_seed(0)
    t = uneven()
    cubic = torch.stack([t**3 - t, 2 * t * t], 1)
    assert_within(smoothed(t, cubic), cubic, 1e-9)
    rough = torch.randn(800, 1).double()
    assert smoothed(t, rough)[20:-20].std() < 0.5 * math.sqrt(1.0)
