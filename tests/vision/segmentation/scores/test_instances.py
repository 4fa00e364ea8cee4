import numpy as np
import pytest
import torch
from scipy import ndimage
from torchmetrics.functional.detection import panoptic_quality

from edgewise.vision.segmentation.scores.instances import objects, of_objects
from tests.vision.segmentation.scores.cases import blob


def scores(prediction, truth):
    sums = objects(np.array(prediction), np.array(truth)) | {"images": torch.tensor(1.0)}
    return {name: score.item() for name, score in of_objects(sums).items()}


def by_sets(prediction, truth):
    """The definitions, with sets of pixels."""
    true, found = ([set(map(tuple, np.argwhere(m == n))) for n in np.unique(m[m > 0])] for m in (truth, prediction))
    iou = lambda a, b: len(a & b) / len(a | b)  # noqa: E731
    pairs = [iou(a, b) for a in true for b in found if iou(a, b) > 0.5]
    wrong = len(found) + len(true) - 2 * len(pairs)
    met, whole, used = 0, 0, []
    for a in true:
        best = max(found, key=lambda b: iou(a, b))
        if a & best:
            used.append(best)
        met, whole = met + len(a & best), whole + len(a | best if a & best else a)
    whole += sum(len(b) for b in found if b not in used)
    half = len(pairs) + wrong / 2
    return {"object_f1": len(pairs) / half, "pq": sum(pairs) / half, "aji": met / whole}


def numbered(seed, shape, level=0.3):
    return ndimage.label(blob(seed, shape, level))[0]


@pytest.mark.parametrize("shape", [(24, 30), (6, 12, 14)])
@pytest.mark.parametrize("seed", range(3))
def test_scores_are_the_definitions(seed, shape):
    truth = numbered(seed, shape)
    prediction = ndimage.label(ndimage.binary_dilation(truth > 0) ^ (np.random.default_rng(seed).random(shape) < 0.02))[0]
    assert scores(prediction * 3, truth) == pytest.approx(by_sets(prediction, truth))


def test_panoptic_quality_is_torchmetrics():
    truth, prediction = numbered(1, (24, 30)), np.roll(numbered(1, (24, 30)), 1, axis=1)
    pair = [torch.from_numpy(np.stack([labels > 0, labels], -1).astype(np.int64))[None] for labels in (prediction, truth)]
    expected = panoptic_quality(*pair, things={1}, stuffs={0}, return_per_class=True)[0, 0].item()
    assert scores(prediction, truth)["pq"] == pytest.approx(expected)


def test_cases_worked_by_hand():
    assert scores([[1, 1, 0, 2]], [[5, 5, 5, 0]]) == pytest.approx({"object_f1": 2 / 3, "pq": 2 / 3 / 1.5, "aji": 2 / 4})
    merged = scores([[1, 1, 1, 1, 1]], [[1, 1, 0, 2, 2]])  # two as one: no pair, and its pixels count twice
    assert merged == pytest.approx({"object_f1": 0, "pq": 0, "aji": 4 / 10})
    assert scores([[1, 1, 0, 0]], [[1, 1, 1, 1]])["object_f1"] == 0  # an IoU of 0.5 is no pair


@pytest.mark.parametrize(("prediction", "truth", "score"), [(0, 0, 1), (1, 0, 0), (0, 1, 0), (1, 1, 1)])
def test_no_objects(prediction, truth, score):
    assert scores([[prediction] * 3], [[truth] * 3]) == dict.fromkeys(("object_f1", "pq", "aji"), score)
