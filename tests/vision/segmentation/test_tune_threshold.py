import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score

from edgewise import EdgewiseWarning
from edgewise._ground.errors import CheckpointError, ConfigError, DataError
from edgewise.vision import Decision, Predictor, deploy, evaluate, train, tune_threshold, write_report
from edgewise.vision.segmentation.images import open_run
from edgewise.vision.segmentation.inference.opening import open_predictor
from edgewise.vision.segmentation.tune_threshold import LEVELS, iou_by_threshold
from edgewise.vision.training.folder import RunFolder


@pytest.fixture
def run(recipe, tmp_path):
    train(replace(recipe, epochs=2), tmp_path / "run", progress=False)
    return tmp_path / "run"


def test_the_best_of_all_thresholds_is_kept_and_used(run, tmp_path):
    before, half = evaluate(run), Predictor.from_run(run)
    tuned = tune_threshold(run)
    validation = open_run(RunFolder(run)).validation
    chances = np.concatenate([half.probabilities(sample.read_image())[0].numpy().ravel() for sample in validation])
    truth = np.concatenate([sample.read_mask().ravel() for sample in validation])
    each = np.array([jaccard_score(truth, chances > level) for level in LEVELS[9::10]])
    assert tuned.iou == pytest.approx(iou_by_threshold(half, validation).max())
    assert tuned.iou >= each.max()
    assert tuned.iou == pytest.approx(jaccard_score(truth, chances > np.float32(tuned.threshold)))
    assert tuned.iou_before == pytest.approx(jaccard_score(truth, chances > 0.5))
    np.testing.assert_allclose(iou_by_threshold(half, validation)[9::10], each)

    predictor = Predictor.from_run(run)
    assert predictor.decision == Decision(threshold=(tuned.threshold,)).complete
    assert Predictor.from_run(run, decision=Decision(threshold=())).decision == Decision().complete
    test = open_run(RunFolder(run)).test
    found = np.concatenate([(half.probabilities(s.read_image())[0] > tuned.threshold).numpy().ravel() for s in test])
    expected = jaccard_score(np.concatenate([sample.read_mask().ravel() for sample in test]), found)
    assert evaluate(run).scores["iou"] == pytest.approx(expected)
    assert deploy(run).metadata["output"]["threshold"] == tuned.threshold
    assert tuned.summary() in write_report([run], tmp_path / "report.html").html.read_text()
    assert tune_threshold(run) == tuned
    (run / "threshold.json").unlink()
    assert evaluate(run) == before


def test_what_else_is_asked_leaves_it(run):
    tuned = tune_threshold(run)
    assert open_predictor(run, decision=Decision(smallest=(3,))).predictor.decision == Decision(
        (tuned.threshold,), (3,), False
    )
    assert open_predictor(run, decision=Decision((0.4,))).predictor.decision.threshold == (0.4,)


def test_a_threshold_of_other_weights_is_not_used(run):
    tune_threshold(run)
    kept = json.loads((run / "threshold.json").read_text())
    (run / "threshold.json").write_text(json.dumps(kept | {"weights": "other", "threshold": 0.9}))
    with pytest.warns(EdgewiseWarning, match="was chosen for other weights than the run has now and is not used"):
        assert Predictor.from_run(run).decision == Decision().complete
    for broken in ({"threshold": 2}, {"extra": 1}):
        (run / "threshold.json").write_text(json.dumps(kept | broken))
        with pytest.raises(CheckpointError, match="tune the threshold again"):
            Predictor.from_run(run)


def test_what_has_no_threshold(run, recipe, tmp_path, monkeypatch):
    train(replace(recipe, epochs=1, data=replace(recipe.data, classes=2)), tmp_path / "two", progress=False)
    with pytest.raises(ConfigError, match="has 2 classes: a threshold is tuned for one foreground alone"):
        tune_threshold(tmp_path / "two")
    validation = open_run(RunFolder(run)).validation
    monkeypatch.setattr(type(validation[0]), "read", lambda sample: (sample.read_image(), np.zeros((16, 16), np.uint8)))
    with pytest.raises(DataError, match="no validation image of 'folder' has any foreground"):
        tune_threshold(run)
    assert not (run / "threshold.json").exists()


def test_of_equals_the_nearest_to_one_half_is_taken(run, monkeypatch):
    chances = lambda self, image: torch.from_numpy(np.where(image > 0.5, 0.8, 0.1).astype(np.float32))  # noqa: E731
    monkeypatch.setattr(Predictor, "probabilities", chances)
    assert tune_threshold(run).threshold == 0.5
