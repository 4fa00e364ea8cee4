"""Thresholds of runs on scans, and of their ensemble, beside scikit-learn's scores of the same probabilities."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import jaccard_score

from edgewise.cli import main
from edgewise.vision import EnsembleFolder, Members, RunFolder, evaluate, train_ensemble, tune_threshold
from edgewise.vision.volumes.images import open_run
from edgewise.vision.volumes.opening import open_member


@pytest.fixture
def members(recipe, tmp_path):
    data = replace(recipe.data, classes=1, options={"mask_values": "binary"}, spacing=(4.0, 1.0, 1.0))
    train_ensemble(replace(recipe, epochs=1, data=data), tmp_path / "run", Members(folds=2), progress=False)
    return EnsembleFolder(tmp_path / "run").members()


def said(predictor, side):
    """Probabilities and truth of all voxels."""
    pairs = [(predictor.probabilities(scan.read_image())[0].numpy().ravel(), scan.read_classes().ravel()) for scan in side]
    return (np.concatenate(part) for part in zip(*pairs, strict=True))


def test_the_threshold_of_scans_is_the_best_and_an_ensemble_uses_the_mean(members, tmp_path, capsys):
    first, second = members
    chances, truth = said(open_member(first), open_run(RunFolder(first)).validation)
    tuned = tune_threshold(first)
    assert tuned.iou == pytest.approx(jaccard_score(truth, chances > np.float32(tuned.threshold)))
    assert tuned.iou >= max(jaccard_score(truth, chances > level) for level in np.arange(0.1, 1, 0.1, np.float32))
    assert main(["evaluate", str(tmp_path / "run"), "--tune-threshold"]) == 0
    shown = capsys.readouterr().out
    other = tune_threshold(second)
    assert f"fold0-seed0: {tuned.summary()}\nfold1-seed0: {other.summary()}\n" in shown
    assert tuned.threshold != other.threshold
    (one, truth), (two, _) = (said(open_member(run), open_run(EnsembleFolder(tmp_path / "run")).test) for run in members)
    mean = (tuned.threshold + other.threshold) / 2
    expected = jaccard_score(truth, (one + two) / 2 > np.float32(mean))
    assert evaluate(tmp_path / "run").scores["iou"] == pytest.approx(expected, abs=1e-4)
