"""Windows that slide over a picture leave no seams."""

import numpy as np
import pytest
import torch
from torch import nn

from edgewise.vision import Predictor
from edgewise.vision.data import Preprocess

SIDE, REACH = 32, 2
"""Of a window, and how far the network below looks."""


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.Tanh(), nn.Conv2d(6, 3, 3, padding=1))


def starts(length):
    """Where windows begin that overlap by a quarter; the last one ends at the picture's edge."""
    return sorted({min(start, length - SIDE) for start in range(0, length - SIDE // 4, SIDE * 3 // 4)})


def away_from_seams(length):
    """The places that no window sees within the network's reach of an edge that is not the picture's."""
    place, away = np.arange(length), np.ones(length, bool)
    for start in starts(length):
        end = start + SIDE
        inside = (place >= start) & (place < end)
        near = (place < start + REACH) & (start > 0) | (place >= end - REACH) & (end < length)
        away &= ~(inside & near)
    return away


@pytest.mark.parametrize("shape", [(75, 101), (32, 64), (80, 33)])
def test_a_network_that_looks_near_gives_what_it_gives_of_the_whole_picture(network, shape):
    image = np.random.default_rng(0).random((1, *shape), dtype=np.float32)
    with torch.no_grad():
        whole = network(torch.from_numpy((image - 0.5) / 0.25)[None]).softmax(1)[0].numpy()
    found = Predictor(network, Preprocess((SIDE, SIDE), 1, fit="tiles")).probabilities(image).numpy()
    away = np.ix_(away_from_seams(shape[0]), away_from_seams(shape[1]))
    assert away[0].size * away[1].size > 0.5 * whole[0].size
    for one, other in zip(found, whole, strict=True):
        np.testing.assert_allclose(one[away], other[away], atol=1e-5)
    if all(step > 4 * REACH for side in shape for step in np.diff(starts(side))):
        assert abs(found - whole).max() < 0.01  # what a window's edge spoils hardly weighs


def test_windows_cover_a_picture_and_no_more_memory_is_asked_of_the_network_than_a_window(network):
    seen = []
    network.register_forward_hook(lambda module, given, made: seen.append(tuple(given[0].shape)))
    Predictor(network, Preprocess((SIDE, SIDE), 1, fit="tiles")).probabilities(np.zeros((1, 75, 101), np.float32))
    assert seen == [(1, 1, SIDE, SIDE)] * (len(starts(75)) * len(starts(101)))
