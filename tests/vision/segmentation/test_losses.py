import pytest
import torch
from torch.nn import functional as F

from edgewise.vision.data import VOID
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


@pytest.mark.parametrize("classes", [1, 3])
def test_void_pixels_have_no_part_in_the_loss(classes):
    draw = torch.Generator().manual_seed(2)
    logits = torch.randn(3, classes, 5, 8, generator=draw, dtype=torch.float64, requires_grad=True)
    truth = torch.randint(max(classes, 2), (3, 1, 5, 8), generator=draw)
    truth[..., 6:] = VOID
    loss = SegmentationLoss(classes)(logits, truth.double())
    torch.testing.assert_close(loss, SegmentationLoss(classes)(logits[..., :6], truth[..., :6].double()))
    loss.backward()
    assert not logits.grad[..., 6:].any()
    assert logits.grad[..., :6].any()


@pytest.mark.parametrize("classes", [1, 3])
def test_a_batch_that_is_all_void_is_finite(classes):
    logits = torch.randn(2, classes, 4, 4, requires_grad=True)
    loss = SegmentationLoss(classes)(logits, torch.full((2, 1, 4, 4), float(VOID)))
    loss.backward()
    assert loss.isfinite()
    assert not logits.grad.any()
