import numpy as np
import pytest
import torch
from sklearn.metrics import brier_score_loss
from torchmetrics.functional.classification import binary_calibration_error, multiclass_calibration_error

from edgewise.vision.segmentation.scores.measure import measure
from edgewise.vision.segmentation.scores.summary import of_probabilities


def draw(classes, shape=(9, 11)):
    rng = np.random.default_rng(classes)
    logits = rng.normal(0, 2, (classes, *shape)).astype(np.float32)
    truth = rng.integers(max(classes, 2), size=shape).astype(np.uint8)
    truth[0] = 255
    shares = np.exp(logits) / np.exp(logits).sum(0) if classes > 1 else 1 / (1 + np.exp(-logits))
    return shares, truth


def found(shares, truth):
    labels = (shares[0] > 0.5).astype(int) if len(shares) == 1 else shares.argmax(0)
    return {
        name: score.item() for name, score in of_probabilities(measure(labels, truth, len(shares), None, shares)).items()
    }


def test_one_foreground_is_as_torchmetrics_and_sklearn_have_it():
    shares, truth = draw(1)
    chances, labels = shares[0, 1:].ravel(), truth[1:].ravel()
    expected = binary_calibration_error(torch.from_numpy(chances), torch.from_numpy(labels).long(), n_bins=15, norm="l1")
    assert found(shares, truth) == pytest.approx(
        {"ece": expected.item(), "brier": brier_score_loss(labels, chances)}, rel=1e-5
    )


def test_several_classes_are_as_torchmetrics_and_the_definition_have_it():
    shares, truth = draw(4)
    chances, labels = shares[:, 1:].reshape(4, -1).T, truth[1:].ravel()
    pair = torch.from_numpy(chances), torch.from_numpy(labels).long()
    expected = multiclass_calibration_error(*pair, num_classes=4, n_bins=15, norm="l1").item()
    brier = ((chances - np.eye(4)[labels]) ** 2).sum(1).mean()
    assert found(shares, truth) == pytest.approx({"ece": expected, "brier": brier}, rel=1e-5)


def test_probabilities_that_are_true_have_no_error():
    shares = np.full((1, 10, 10), 0.3)
    truth = np.repeat([1] * 3 + [0] * 7, 10).reshape(10, 10)
    assert found(shares, truth) == pytest.approx({"ece": 0, "brier": 0.21})
    assert found(truth[None].astype(float), truth) == {"ece": 0, "brier": 0}
