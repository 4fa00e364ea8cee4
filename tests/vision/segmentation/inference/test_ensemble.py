import numpy as np
import pytest
import torch

from edgewise._ground.errors import ConfigError
from edgewise.vision import Decision
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


def test_thresholds_are_averaged_where_all_have_one_and_a_stated_decision_holds():
    members = [Power(1, threshold=(0.3,), smallest=(2,)), Power(2, threshold=(0.5,), smallest=(2,))]
    assert Ensemble(members).decision == Decision(threshold=(0.4,), smallest=(2,))
    assert Ensemble(members, Decision()).decision == Decision()


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
