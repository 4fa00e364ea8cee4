import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.metrics import DiceMetric, MeanIoU
from sklearn.metrics import f1_score, jaccard_score

from edgewise.vision.data import VOID
from edgewise.vision.segmentation.metrics import count_pixels, overlap, scored, segment, summarise, tally


def masks(seed, count=3, shape=(13, 17), share=0.4):
    draw = torch.Generator().manual_seed(seed)
    return (torch.rand(count, 1, *shape, generator=draw) < share).long()


def test_scores_of_a_case_worked_by_hand():
    prediction = torch.tensor([[[[1, 1, 0, 0]]], [[[1, 1, 1, 1]]]])
    truth = torch.tensor([[[[1, 0, 1, 0]]], [[[1, 1, 1, 0]]]])
    scores = summarise(tally(count_pixels(prediction, truth)))
    # image 1: TP 1, FP 1, FN 1; image 2: TP 3, FP 1, FN 0
    assert scores["iou"] == pytest.approx(4 / 7)
    assert scores["f1"] == pytest.approx(8 / 11)
    assert scores["image_iou"] == pytest.approx((1 / 3 + 3 / 4) / 2)
    assert scores["image_f1"] == pytest.approx((2 / 4 + 6 / 7) / 2)


def test_a_few_pixels_of_very_many_are_counted_exactly():
    """A small lesion in a scan of 512 x 512 x 100, whose voxels are more than single precision counts."""
    prediction, truth = (torch.zeros(1, 1, 2**24 + 9, dtype=torch.uint8) for _ in range(2))
    prediction[..., :2], truth[..., :3] = 1, 1
    assert count_pixels(prediction, truth).tolist() == [[[2, 0, 1]]]


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


def random_classes(seed, count=5, classes=4, shape=(11, 12)):
    draw = torch.Generator().manual_seed(seed)
    return [torch.randint(classes, (count, 1, *shape), generator=draw) for _ in range(2)]


@given(st.integers(0, 10_000), st.integers(3, 5))
def test_several_classes_are_sklearns(seed, classes):
    prediction, truth = random_classes(seed, classes=classes)
    one, other = truth.flatten().numpy(), prediction.flatten().numpy()
    labels = list(range(1, classes))
    scores = summarise(tally(count_pixels(prediction, truth, classes)))
    assert scores["iou"] == pytest.approx(jaccard_score(one, other, labels=labels, average="macro"))
    assert scores["f1"] == pytest.approx(f1_score(one, other, labels=labels, average="macro"))


@given(st.integers(0, 10_000))
def test_per_image_scores_of_several_classes_are_monais_over_the_images_that_a_class_is_in(seed):
    prediction, truth = random_classes(seed, shape=(2, 3))
    maps = [torch.cat([labels == index for index in range(4)], 1).float() for labels in (prediction, truth)]
    there = ((maps[0] + maps[1])[:, 1:].flatten(2).amax(-1) > 0).numpy()
    in_truth = maps[1][:, 1:].flatten(2).amax(-1).amax(0).numpy() > 0
    scores = summarise(tally(count_pixels(prediction, truth, 4)))
    for metric, name in ((MeanIoU, "image_iou"), (DiceMetric, "image_f1")):
        each = metric(include_background=False, ignore_empty=False, reduction="none")(*maps).numpy()
        means = np.array([each[there[:, c], c].mean() if there[:, c].any() else 1 for c in range(3)])
        assert scores[name] == pytest.approx(means[in_truth if in_truth.any() else slice(None)].mean(), abs=1e-6)


def test_a_class_that_is_nowhere_in_the_truth_is_left_out():
    truth = torch.tensor([[[[0, 1, 1, 0]]], [[[0, 0, 1, 0]]]])
    for prediction, expected in ((torch.zeros_like(truth), 0), (truth, 1), (torch.where(truth == 0, 2, truth), 1)):
        sums = tally(count_pixels(prediction, truth, 3))
        assert scored(sums).tolist() == [True, False]
        scores = summarise(sums)
        assert (scores["iou"], scores["f1"], scores["image_iou"], scores["image_f1"]) == (expected,) * 4


@given(st.integers(0, 10_000))
def test_void_pixels_count_nowhere(seed):
    prediction, truth = random_classes(seed, classes=3)
    void = torch.rand(truth.shape, generator=torch.Generator().manual_seed(seed)) < 0.3
    scores = summarise(tally(count_pixels(prediction, truth.masked_fill(void, VOID), 3)))
    one, other = truth[~void].numpy(), prediction[~void].numpy()
    assert scores["iou"] == pytest.approx(jaccard_score(one, other, labels=[1, 2], average="macro", zero_division=1))
    single = count_pixels((prediction > 0).long(), (truth > 0).long().masked_fill(void, VOID))
    assert summarise(tally(single))["iou"] == pytest.approx(jaccard_score(one > 0, other > 0, zero_division=1))


def test_nothing_found_where_nothing_is_scores_one():
    empty = torch.zeros(2, 1, 4, 4).long()
    assert summarise(tally(count_pixels(empty, empty))) == {"iou": 1, "f1": 1, "image_iou": 1, "image_f1": 1}


def test_overlap_of_one_missed_pixel_is_zero():
    iou, f1 = overlap(torch.tensor([0.0, 0.0, 1.0]))
    assert (iou, f1) == (0, 0)


def test_segment_decides_at_one_half_and_by_the_largest():
    assert segment(torch.tensor([0.01, -0.01]).reshape(2, 1, 1, 1)).flatten().tolist() == [1, 0]
    assert segment(torch.tensor([0.1, 3.0, 2.0]).reshape(1, 3, 1, 1)).item() == 1
