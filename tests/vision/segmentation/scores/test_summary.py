"""Scores per class, per group and of all, beside an independent count in numpy."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from edgewise.vision.segmentation.scores.cohort import Cohort, defined
from edgewise.vision.segmentation.scores.measure import measure
from edgewise.vision.segmentation.scores.summary import by_class, means
from edgewise.vision.segmentation.scores.surface import surface_distances
from tests.vision.segmentation.scores.cases import labels

COUNT = 5


@pytest.fixture(params=[(14, 18), (5, 8, 9)], ids=["2-D", "3-D"])
def cases(request):
    """Predictions and truths of three classes, some pixels void, and class 2 missing in the first."""
    found = [(labels(n, 3, request.param), labels(n + 30, 3, request.param, void=0.1)) for n in range(COUNT)]
    for mask in found[0]:
        mask[mask == 2] = 0
    return found


def pooled(cases):
    """All known pixels of some cases, truth and prediction."""
    truth, prediction = (np.concatenate([case[part].ravel() for case in cases]) for part in (1, 0))
    return truth[truth != 255], prediction[truth != 255]


def count(cases, label):
    """The scores of a class by their definitions."""
    truth, prediction = (part == label for part in pooled(cases))
    there = [(p == label) & (t != 255) for p, t in cases], [t == label for _, t in cases]
    counted = [(p, t) for p, t in zip(*there, strict=True) if (p | t).any()]
    distances = np.array([surface_distances(p, t) for p, t in counted])
    return {
        "iou": jaccard_score(truth, prediction),
        "f1": f1_score(truth, prediction),
        "sensitivity": recall_score(truth, prediction),
        "specificity": recall_score(~truth, ~prediction),
        "precision": precision_score(truth, prediction),
        "image_iou": np.mean([(p & t).sum() / (p | t).sum() for p, t in counted]),
        "image_f1": np.mean([2 * (p & t).sum() / (p.sum() + t.sum()) for p, t in counted]),
        "hd95": distances[:, 0].mean(),
        "assd": distances[:, 1].mean(),
    }


def cohort(cases, groups=(None,) * COUNT):
    return Cohort(tuple("abcde"), groups, [measure(p, t, 3) for p, t in cases])


def test_each_class_equals_an_independent_count(cases):
    found = by_class(cohort(cases).sums)
    for label in (1, 2):
        for name, value in count(cases, label).items():
            assert found[name][label - 1].item() == pytest.approx(value, rel=1e-9), (name, label)


def test_means_are_over_the_classes(cases):
    found, each = means(cohort(cases).sums), [count(cases, label) for label in (1, 2)]
    for name in each[0]:
        assert found[name].item() == pytest.approx(np.mean([one[name] for one in each]))


def test_a_group_is_scored_by_its_cases_alone(cases):
    patients = cohort(cases, ("one", "two", "one", None, "two"))
    assert patients.units == 3
    groups = patients.by_group()
    for name, chosen in (("one", [0, 2]), ("two", [1, 4])):
        each = [count([cases[index] for index in chosen], label) for label in (1, 2)]
        for score in each[0]:
            assert groups[name][score] == pytest.approx(np.mean([one[score] for one in each])), (name, score)
    assert set(groups) == {"one", "two"}


def one(prediction, truth, classes=1):
    (found,) = defined(
        means, {name: part[None] for name, part in measure(*map(np.array, (prediction, truth)), classes).items()}
    )
    return found


def test_empty_masks():
    nothing, all_ = [[0, 0, 0, 0]], [[1, 1, 1, 1]]
    diagonal = math.hypot(1, 4)
    both = one(nothing, nothing)
    assert both == {
        "iou": 1,
        "f1": 1,
        "image_iou": 1,
        "image_f1": 1,
        "hd95": 0,
        "specificity": 1,
        "assd": 0,
        "false_lesions": 0,
    }
    missed = one(nothing, all_)
    assert missed["precision"] == missed["sensitivity"] == missed["lesion_sensitivity"] == missed["f1"] == 0
    assert missed["hd95"] == missed["assd"] == diagonal
    assert "specificity" not in missed
    invented = one(all_, nothing)
    assert invented["precision"] == invented["specificity"] == invented["iou"] == 0
    assert invented["false_lesions"] == 1
    assert "sensitivity" not in invented
    void = one(all_, [[255] * 4])
    assert void["iou"] == 1
    assert void["hd95"] == 0


def test_what_is_not_defined_for_a_class_is_left_out_of_its_mean():
    truth, prediction = [[1, 2, 2, 0]], [[1, 0, 0, 0]]
    found = one(prediction, truth, 3)
    assert found["precision"] == 0.5  # of class 2, which is there and not predicted, it is 0
    assert found["sensitivity"] == 0.5
    absent = one([[1, 0, 0, 2]], [[1, 1, 0, 0]], 3)
    assert absent["iou"] == 0.5  # of class 1 alone


def test_lesions_and_their_rates():
    cases = [([[1, 0, 1, 0, 0]], [[1, 1, 0, 0, 1]]), ([[1, 0, 1, 0, 1]], [[0, 0, 0, 0, 0]])]
    found = means(Cohort(("a", "b"), (None, None), [measure(*map(np.array, case)) for case in cases]).sums)
    assert found["lesion_sensitivity"].item() == 0.5
    assert found["false_lesions"].item() == (1 + 3) / 2


def test_sums_add_up():
    cases = [measure(labels(n, 3), labels(n + 9, 3), 3) for n in range(4)]
    together = Cohort(tuple("abcd"), ("x", "x", "y", None), cases)
    for name, part in together.sums_by_unit().items():
        assert len(part) == 3
        assert torch.allclose(part.sum(0), together.sums[name])
