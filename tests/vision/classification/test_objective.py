import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import recall_score
from sklearn.utils.class_weight import compute_class_weight

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision import Mix, RunFolder, train
from edgewise.vision.classification.metrics import balanced_accuracy, tally
from edgewise.vision.classification.objective import WeightedCrossEntropy, balanced
from edgewise.vision.training.reopen import reopen


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, (0.5, 2.0, 0.0)])
def test_it_is_what_its_formula_says_in_value_and_gradient(weights, smoothing):
    draw = np.random.default_rng(0)
    logits, labels = draw.normal(size=(7, 3)), draw.integers(3, size=7)
    targets = (1 - smoothing) * np.eye(3)[labels] + smoothing / 3
    each = np.ones(3) if weights is None else np.array(weights)
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = -(each * targets * np.log(chances)).sum(1).mean()
    pull = each * targets
    slope = (pull.sum(1, keepdims=True) * chances - pull) / 7
    for smooth, given in ((smoothing, torch.from_numpy(labels)), (0.0, torch.from_numpy(targets))):
        x = torch.from_numpy(logits).requires_grad_()
        loss = WeightedCrossEntropy(weights, smooth)(x, given)
        loss.backward()
        assert loss.item() == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(x.grad, slope, rtol=1e-10, atol=1e-14)


def test_balanced_weights_are_scikit_learns():
    labels = np.repeat([0, 1, 2], [70, 25, 5])
    assert balanced(labels, "abc") == pytest.approx(compute_class_weight("balanced", classes=np.arange(3), y=labels))
    with pytest.raises(DataError, match="no picture of the training side is of class d, so class_weights='balanced'"):
        balanced(labels, "abcd")


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ((1.0, 2.0), r"class_weights is \(1.0, 2.0\) and must be 3 numbers, one a class"),
        ((1.0, -1.0, 1.0), "must be numbers from 0 on, at least one above it"),
        ((0.0, 0.0, 0.0), "must be numbers from 0 on, at least one above it"),
    ],
)
def test_weights_that_cannot_be_are_refused(recipe, weights, message):
    with pytest.raises(ConfigError, match=message):
        replace(recipe, class_weights=weights)


@pytest.mark.parametrize("mix", [Mix(), Mix(mixup=0.8)])
def test_a_run_counts_its_weights_notes_them_and_learns_with_them(recipe, shapes, tmp_path, mix):
    root = shutil.copytree(shapes, tmp_path / "mine")
    for number in range(15):  # leaves 5 bars, one of which is drawn for validation, and 16 of each other class
        (root / "train" / "bar" / f"{number:02d}.png").unlink()
    data = replace(recipe.data, root=str(root))
    recipe = replace(recipe, data=data, epochs=1, class_weights="balanced", score="balanced", mix=mix)
    result = train(recipe, tmp_path / "run", progress=False)
    folder = RunFolder(tmp_path / "run")
    expected = compute_class_weight("balanced", classes=np.arange(3), y=np.repeat([0, 1, 2], [4, 16, 16]))
    assert folder.read_facts()["class_weights"] == pytest.approx(expected)
    assert (result.score, result.best) == ("val_balanced", folder.read_metrics()[0]["val_balanced"])
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    chances = logits.log_softmax(1)[range(5), [0, 0, 1, 2, 2]].numpy()
    loss = reopen(tmp_path / "run").criterion()(logits, torch.tensor([0, 0, 1, 2, 2]))
    assert loss.item() == pytest.approx(-(expected[[0, 0, 1, 2, 2]] * chances).mean(), rel=1e-6)


def test_the_score_that_chooses_the_best_epoch_is_scikit_learns():
    draw = torch.Generator().manual_seed(0)
    labels = torch.tensor([0] * 50 + [1] * 5)
    logits = torch.randn(55, 3, generator=draw) + torch.nn.functional.one_hot(labels, 3)
    sums = [tally(logits[part], labels[part]) for part in (slice(20), slice(20, 55))]
    found = balanced_accuracy({name: sums[0][name] + sums[1][name] for name in sums[0]}).item()
    hits = [recall_score(labels == label, logits.argmax(1) == label) for label in (0, 1)]
    assert found == pytest.approx(np.mean(hits))
