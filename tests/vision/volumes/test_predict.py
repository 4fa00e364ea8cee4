"""Windows that slide over a scan, and the way back to its own voxels."""

import numpy as np
import pytest
import torch
from torch import nn

from edgewise.vision.segmentation.inference.tiles import slide, weights
from edgewise.vision.volumes import Volume, VolumePredictor, VolumePreprocess


def test_weights_of_a_window_are_a_gaussian_along_each_side():
    found = weights((3, 4, 5))
    profiles = [np.exp(-(((np.arange(n) - (n - 1) / 2) / (n / 8)) ** 2) / 2) for n in (3, 4, 5)]
    np.testing.assert_allclose(found, np.einsum("i,j,k->ijk", *profiles), rtol=1e-5)


@pytest.mark.parametrize("shape", [(16, 16, 16), (21, 16, 30), (5, 40, 9)])
def test_a_network_that_looks_at_single_voxels_gives_what_it_gives_of_the_whole_scan(shape):
    network = nn.Sequential(nn.Conv3d(2, 4, 1), nn.Tanh(), nn.Conv3d(4, 3, 1))
    image = torch.randn(1, 2, *shape)
    with torch.no_grad():
        torch.testing.assert_close(slide(network, image, (8, 16, 16)), network(image), rtol=1e-4, atol=1e-5)


def test_away_from_the_edges_of_windows_a_network_that_looks_near_gives_what_it_gives_of_the_whole_scan():
    network = nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.Tanh(), nn.Conv3d(4, 2, 3, padding=1))
    image, place = torch.randn(1, 1, 40, 40, 40), np.arange(40)
    away = np.ones(40, bool)
    for start in (0, 12, 24):  # of windows of 16 that overlap by a quarter
        inside = (place >= start) & (place < start + 16)
        near = (place < start + 2) & (start > 0) | (place >= start + 14) & (start < 24)
        away &= ~(inside & near)
    assert 20 < away.sum() < 40
    with torch.no_grad():
        found, whole = slide(network, image, (16, 16, 16)), network(image)
    for one, other in zip(found[0].numpy(), whole[0].numpy(), strict=True):
        np.testing.assert_allclose(one[np.ix_(away, away, away)], other[np.ix_(away, away, away)], atol=1e-5)


def test_probabilities_are_at_the_scans_own_voxels():
    """By a network that gives its input back: half the voxels are between those that the network sees."""
    affine = np.array([[0, 0, -2.0, 7], [0.5, 0, 0, -3], [0, -1.0, 0, 11], [0, 0, 0, 1]])
    z, y, x = np.indices((8, 20, 24)) / 24
    scan = Volume((0.2 + 0.2 * x + 0.3 * y + 0.1 * z).astype(np.float32)[None], affine)
    predictor = VolumePredictor(Same(), (8, 8, 8), VolumePreprocess((1.0, 1.0, 2.0)))
    logits = torch.logit(predictor.probabilities(scan))[0].numpy()
    inner = (slice(3, -3), slice(6, -6), slice(6, -6))
    np.testing.assert_allclose(logits[inner], ((scan.array[0] - 0.5) / 0.25)[inner], atol=0.03)


class Same(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.scale * x
