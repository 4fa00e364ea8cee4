from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from edgewise._ground.errors import ConfigError, EdgewiseWarning
from edgewise.vision import Decision, Inference, compare_runs, evaluate, evaluate_masks, open_predictor, predict, train
from edgewise.vision.segmentation.images import open_split
from edgewise.vision.segmentation.inference.ensemble import Ensemble
from edgewise.vision.segmentation.inference.predicting import MaskPredictor


class Power(MaskPredictor):
    """A power of the grey level, as often as there are classes."""

    def __init__(self, power, classes=1, **settings):
        super().__init__(Decision(**settings))
        self.power, self.classes = power, classes

    def probabilities(self, image):
        return torch.from_numpy(image[:1] ** self.power).expand(self.classes, -1, -1)


IMAGE = np.random.default_rng(0).random((1, 5, 6))


def test_probabilities_are_averaged_and_then_decided_upon():
    ensemble = Ensemble([Power(1), Power(2), Power(5)])
    expected = (IMAGE + IMAGE**2 + IMAGE**5) / 3
    np.testing.assert_allclose(ensemble.probabilities(IMAGE), expected)
    np.testing.assert_array_equal(ensemble(IMAGE), expected[0] > 0.5)


def test_an_ensemble_is_scored_as_a_run_is(recipe, tmp_path):
    for seed in (1, 2):
        train(replace(recipe, epochs=1, seed=seed), tmp_path / "runs" / str(seed), progress=False)
    split = open_split(recipe.data)
    alone = open_predictor(tmp_path / "runs" / "1").predictor
    twice = open_predictor([tmp_path / "runs" / "1"] * 2).predictor
    assert evaluate_masks(twice, split.test) == evaluate_masks(alone, split.test)
    both, other = open_predictor(tmp_path / "runs").predictor, open_predictor(tmp_path / "runs" / "2").predictor
    image = split.test[0].read_image()
    mean = (alone.probabilities(image).double() + other.probabilities(image).double()) / 2
    np.testing.assert_allclose(both.probabilities(image), mean, atol=1e-6)


def test_what_is_scored_is_what_is_predicted(recipe, tmp_path):
    """Of two runs, each picture seen turned: the masks that are written, counted by numpy."""
    runs, test = [tmp_path / "1", tmp_path / "2"], open_split(recipe.data).test
    for seed, run in enumerate(runs):
        train(replace(recipe, epochs=1, seed=seed), run, progress=False)
    alone = evaluate(runs[0])
    asked = Inference(decision=Decision(threshold=(0.4,), smallest=(9,)), turned=True)
    found = evaluate(runs, inference=asked)
    done = predict(runs, [sample.image for sample in test], tmp_path / "out", inference=asked)
    masks = np.stack([np.asarray(Image.open(path)) > 0 for path in done.masks])
    truth = np.stack([sample.read_mask() > 0 for sample in test])
    assert found.scores["iou"] == pytest.approx((masks & truth).sum() / (masks | truth).sum())
    assert found.scores["iou"] != alone.scores["iou"]
    assert compare_runs(runs, runs[0], inference=asked).first == found
    with pytest.raises(ConfigError, match="probabilities are written by a prediction"):
        evaluate(runs, inference=Inference(probabilities=True))
    train(replace(recipe, epochs=1, data=replace(recipe.data, split_seed=5)), tmp_path / "other", progress=False)
    with pytest.raises(ConfigError, match=r"other was started with other test images than .*: say which to score, --data"):
        evaluate([*runs, tmp_path / "other"])
    with pytest.warns(EdgewiseWarning, match="are on the training or validation side of the run"):
        evaluate([runs[0], tmp_path / "other"], test)


def test_thresholds_are_averaged_where_all_have_one_and_a_stated_decision_holds():
    members = [Power(1, threshold=(0.3,), smallest=(2,)), Power(2, threshold=(0.5,), smallest=(2,))]
    assert Ensemble(members).decision == Decision((0.4,), (2,), False)
    assert Ensemble(members, Decision((), smallest=(7,))).decision == Decision((), (7,), False)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([], "has no predictor"),
        ([Power(1, smallest=(2,)), Power(2)], "keep other components"),
        ([Power(1, threshold=(0.4,)), Power(2)], "thresholds that others have not"),
    ],
)
def test_what_does_not_go_together_is_refused(members, message):
    with pytest.raises(ConfigError, match=message):
        Ensemble(members)


def test_members_of_other_classes_are_refused():
    with pytest.raises(ConfigError, match="give 1 and 3 classes"):
        Ensemble([Power(1), Power(1, 3)])(IMAGE)
