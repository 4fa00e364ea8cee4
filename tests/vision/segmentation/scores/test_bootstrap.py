import numpy as np
import pytest
from scipy import stats

from edgewise._ground.errors import DataError
from edgewise.vision.segmentation.scores.bootstrap import differences, draws, intervals
from edgewise.vision.segmentation.scores.cohort import Cohort
from edgewise.vision.segmentation.scores.measure import measure
from edgewise.vision.segmentation.scores.summary import by_class, means
from tests.vision.segmentation.scores.cases import blob, labels

COUNT = 12


def cohort(groups=(None,) * COUNT, seed=0, classes=1, level=0.05):
    draw = (lambda n: labels(n, 3, (12, 14))) if classes > 1 else (lambda n: blob(n, (12, 14), level).astype(int))
    truths = [draw(n) for n in range(COUNT)]
    predictions = []
    for n, truth in enumerate(truths):
        wrong = np.random.default_rng([seed, n]).random(truth.shape) < 0.1 + 0.02 * n
        predictions.append(np.where(wrong, draw(n + 99), truth))
    measured = [measure(*pair, classes) for pair in zip(predictions, truths, strict=True)]
    return Cohort(tuple(map(str, range(COUNT))), groups, measured)


def iou(counts):
    hit, false, missed = np.moveaxis(counts.sum(-2), -1, 0)
    return hit / (hit + false + missed)


def image_f1(counts):
    return (2 * counts[..., 0] / (2 * counts[..., 0] + counts[..., 1] + counts[..., 2])).mean(-1)


def scipys(counts, statistic=iou):
    """The percentile interval of a statistic of counts (cases, 3), and the error of its ends by chance."""
    options = {"method": "percentile", "n_resamples": 4000, "vectorized": True, "axis": 0}

    def pick(index, axis):
        return statistic(counts[np.moveaxis(index, axis, -1)])

    ends = [
        stats.bootstrap((np.arange(len(counts)),), pick, rng=np.random.default_rng(seed), **options).confidence_interval
        for seed in range(4)
    ]
    return np.mean(ends, 0), 6 * np.std(ends, 0).max()


def test_intervals_are_scipys():
    found, counts = cohort(), cohort().cases["pixels"][:, 0].numpy()
    expected, error = scipys(counts)
    (bounds,) = intervals(found, means, replicates=4000)
    assert bounds["iou"] == pytest.approx(expected, abs=error)
    expected, error = scipys(counts, image_f1)
    assert bounds["image_f1"] == pytest.approx(expected, abs=error)


def test_cases_of_a_group_are_drawn_together():
    patients = cohort(tuple("aaabbbcddeff"))
    counts = patients.sums_by_unit()["pixels"][:, 0].numpy()
    assert len(counts) == patients.units == 6
    expected, error = scipys(counts)
    assert intervals(patients, means, replicates=4000)[0]["iou"] == pytest.approx(expected, abs=error)


def test_a_difference_is_scipys_paired():
    one, other = cohort(), cohort(seed=5)
    counts = np.stack([part.cases["pixels"][:, 0].numpy() for part in (one, other)], -2)  # (cases, 2, 3)
    expected, error = scipys(counts, lambda counts: iou(counts[..., 0, :]) - iou(counts[..., 1, :]))
    found = differences(one, other, means, replicates=4000)["iou"]
    assert found.interval == pytest.approx(expected, abs=error)
    assert found.value == pytest.approx(iou(counts[:, 0]) - iou(counts[:, 1]))
    back = differences(other, one, means, replicates=4000)["iou"]
    assert (back.value, back.low, back.high) == pytest.approx((-found.value, -found.high, -found.low))


def test_a_method_compared_with_itself_differs_by_nothing():
    assert all(one == (0, 0, 0) for one in differences(cohort(), cohort(), means).values())


def test_each_class_has_its_interval():
    several = cohort(classes=3)
    each = intervals(several, by_class)
    assert len(each) == 2
    counts = several.cases["pixels"][:, 1].numpy()
    assert each[1]["iou"] == pytest.approx(scipys(counts)[0], abs=0.02)


def test_the_same_cases_give_the_same_interval():
    assert intervals(cohort(), means) == intervals(cohort(), means)
    assert intervals(cohort(), means, seed=1) != intervals(cohort(), means)


def test_one_group_has_no_interval():
    assert intervals(cohort(("a",) * COUNT), means) == [{}]
    assert intervals(cohort(("a",) * COUNT, classes=3), by_class) == [{}, {}]
    assert differences(cohort(("a",) * COUNT), cohort(("a",) * COUNT), means) == {}


def test_what_differs_is_not_compared():
    one = cohort()
    for other, message in (
        (Cohort((*one.ids[:-1], "x"), one.groups, one.measured), "not scored on the same images, such as '11'"),
        (cohort(("a", *one.groups[1:])), "the mask or the group of '0' is not the same"),
        (cohort(level=0.5), "the mask or the group of '0' is not the same"),
        (cohort(classes=3), "not scored on as many classes"),
    ):
        with pytest.raises(DataError, match=message):
            differences(one, other, means)


def simulate(rng, groups, size=4):
    """Cases of groups that are hard or easy as a whole: hits and misses of each, (groups * size, 3)."""
    ease = np.repeat(rng.beta(6, 3, groups), size)
    hits = rng.binomial(100, ease)
    return np.stack([hits, np.zeros_like(hits), 100 - hits], -1)


def test_intervals_over_groups_hold_the_truth_as_often_as_they_say():
    """The mean IoU is 6 / 9; of 200 draws of 40 groups, 95 % of the intervals hold it, give or take chance."""
    inside = {"groups": 0, "cases": 0}
    for seed in range(200):
        counts = simulate(np.random.default_rng(seed), 40)
        for name, units in (("groups", counts.reshape(40, 4, 3).sum(1)), ("cases", counts)):
            drawn = draws(len(units), 400, seed).numpy()
            sums = drawn @ units
            low, high = np.percentile(sums[:, 0] / sums.sum(1), [2.5, 97.5])
            inside[name] += low <= 6 / 9 <= high
    assert 0.90 < inside["groups"] / 200 < 0.98
    assert inside["cases"] / 200 < 0.80  # as if the cases of a patient were strangers
