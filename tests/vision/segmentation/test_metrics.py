import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.metrics import DiceMetric, MeanIoU
from scipy import ndimage

from edgewise.vision.segmentation.metrics import count_pixels, hausdorff95, overlap, segment, summarise, tally


def masks(seed, count=3, shape=(13, 17), share=0.4):
    draw = torch.Generator().manual_seed(seed)
    return (torch.rand(count, 1, *shape, generator=draw) < share).long()


def blobs(seed, shape=(24, 30)):
    noise = np.random.default_rng(seed).normal(size=shape)
    return torch.from_numpy(ndimage.gaussian_filter(noise, 2.5) > 0.05)[None, None].long()


def reference_hd95(one, other):
    """The definition, with distance transforms: boundary pixels touch background, or the picture's frame."""
    edge = [mask & ~ndimage.binary_erosion(mask) for mask in (one, other)]
    far = [ndimage.distance_transform_edt(~e) for e in edge]
    return max(np.percentile(far[1][edge[0]], 95), np.percentile(far[0][edge[1]], 95))


def test_scores_of_a_case_worked_by_hand():
    prediction = torch.tensor([[[[1, 1, 0, 0]]], [[[1, 1, 1, 1]]]])
    truth = torch.tensor([[[[1, 0, 1, 0]]], [[[1, 1, 1, 0]]]])
    scores = summarise(tally(count_pixels(prediction, truth)))
    # image 1: TP 1, FP 1, FN 1; image 2: TP 3, FP 1, FN 0
    assert scores["iou"] == pytest.approx(4 / 7)
    assert scores["f1"] == pytest.approx(8 / 11)
    assert scores["image_iou"] == pytest.approx((1 / 3 + 3 / 4) / 2)
    assert scores["image_f1"] == pytest.approx((2 / 4 + 6 / 7) / 2)


@given(st.integers(0, 10_000), st.floats(0.02, 0.98))
def test_per_image_scores_are_monais_and_f1_follows_from_iou(seed, share):
    prediction, truth = masks(seed, share=share), masks(seed + 1, share=share)
    scores = summarise(tally(count_pixels(prediction, truth)))
    for metric, name in (
        (MeanIoU(ignore_empty=False), "image_iou"),
        (DiceMetric(ignore_empty=False), "image_f1"),
    ):
        metric(prediction.float(), truth.float())
        assert scores[name] == pytest.approx(metric.aggregate().item(), abs=1e-6)
    assert scores["f1"] == pytest.approx(2 * scores["iou"] / (1 + scores["iou"]))


def test_several_classes_are_averaged_without_the_background():
    draw = torch.Generator().manual_seed(5)
    prediction, truth = (torch.randint(3, (4, 1, 9, 9), generator=draw) for _ in range(2))
    counts = count_pixels(prediction, truth, classes=3)
    assert counts.shape == (4, 2, 3)
    expected = []
    for index in (1, 2):
        one, other = prediction == index, truth == index
        expected.append(((one & other).sum() / (one | other).sum()).item())
    assert summarise(tally(counts))["iou"] == pytest.approx(np.mean(expected))


def test_nothing_found_where_nothing_is_scores_one():
    empty = torch.zeros(2, 1, 4, 4).long()
    assert summarise(tally(count_pixels(empty, empty))) == {"iou": 1, "f1": 1, "image_iou": 1, "image_f1": 1}


def test_overlap_of_one_missed_pixel_is_zero():
    iou, f1 = overlap(torch.tensor([0.0, 0.0, 1.0]))
    assert (iou, f1) == (0, 0)


def test_segment_decides_at_one_half_and_by_the_largest():
    assert segment(torch.tensor([0.01, -0.01]).reshape(2, 1, 1, 1)).flatten().tolist() == [1, 0]
    assert segment(torch.tensor([0.1, 3.0, 2.0]).reshape(1, 3, 1, 1)).item() == 1


@pytest.mark.parametrize("seed", range(8))
def test_hd95_is_scipys(seed):
    prediction, truth = blobs(seed), blobs(seed + 100)
    expected = reference_hd95(prediction[0, 0].bool().numpy(), truth[0, 0].bool().numpy())
    assert hausdorff95(prediction, truth).item() == pytest.approx(expected, abs=1e-4)


def test_hd95_of_two_points():
    prediction, truth = torch.zeros(2, 1, 1, 20, 20).long()
    prediction[..., 2, 3] = truth[..., 5, 7] = 1
    assert hausdorff95(prediction, truth).item() == pytest.approx(5)


def test_hd95_on_empty_masks():
    empty, full = torch.zeros(1, 1, 30, 40).long(), torch.ones(1, 1, 30, 40).long()
    assert hausdorff95(empty, empty).item() == 0
    assert hausdorff95(empty, full).item() == pytest.approx(50)
    assert hausdorff95(full, empty).item() == pytest.approx(math.hypot(30, 40))
    assert hausdorff95(full, full).item() == 0
