import pytest
import torch
from torch.nn import functional as F

from edgewise.vision.segmentation.losses import SegmentationLoss


def test_binary_loss_is_u_kans():
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 1, 9, 7, generator=draw, dtype=torch.float64)
    truth = (torch.rand(4, 1, 9, 7, generator=draw) < 0.3).double()
    truth[2] = 0
    probability = logits.sigmoid().flatten(1)
    target = truth.flatten(1)
    both = (probability * target).sum(1)
    dice = (2 * both + 1e-5) / (probability.sum(1) + target.sum(1) + 1e-5)
    expected = 0.5 * F.binary_cross_entropy_with_logits(logits, truth) + 1 - dice.mean()
    torch.testing.assert_close(SegmentationLoss()(logits, truth), expected)


def test_loss_of_several_classes():
    draw = torch.Generator().manual_seed(1)
    logits = torch.randn(2, 3, 5, 6, generator=draw, dtype=torch.float64)
    truth = torch.randint(3, (2, 1, 5, 6), generator=draw)
    probability, target = logits.softmax(1), F.one_hot(truth[:, 0], 3).movedim(-1, 1).double()
    both = (probability * target).sum((2, 3))
    dice = (2 * both + 1e-5) / (probability.sum((2, 3)) + target.sum((2, 3)) + 1e-5)
    expected = 0.5 * F.cross_entropy(logits, truth[:, 0]) + 1 - dice.mean()
    torch.testing.assert_close(SegmentationLoss(3)(logits, truth), expected)


def test_half_precision_logits_are_summed_in_single():
    logits = torch.full((1, 1, 64, 64), 0.25, dtype=torch.bfloat16)
    truth = torch.ones(1, 1, 64, 64)
    assert SegmentationLoss()(logits, truth).item() == pytest.approx(SegmentationLoss()(logits.float(), truth).item())
