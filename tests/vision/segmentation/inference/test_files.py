from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from edgewise._ground.errors import ConfigError
from edgewise.vision import Decision, Inference, Predictor, predict, train
from edgewise.vision.data import Legend, Sample
from edgewise.vision.data.reading import Levels
from edgewise.vision.segmentation.inference.drawn import palette
from edgewise.vision.segmentation.inference.files import write_predictions
from edgewise.vision.segmentation.inference.opened import Opened
from edgewise.vision.segmentation.inference.predicting import MaskPredictor


class Greys(MaskPredictor):
    """The grey level says how likely the foreground is, or of three classes the second and, where it is dark, the third."""

    def __init__(self, classes=1, decision=None):
        super().__init__(decision)
        self.classes = classes

    def probabilities(self, image):
        level = torch.from_numpy(image[:1])
        return level if self.classes == 1 else torch.cat([0.5 - (level - 0.5).abs(), level, 1 - level]) / 1.5


@pytest.fixture
def picture(tmp_path):
    draw = np.random.default_rng(0)
    levels = draw.integers(0, 256, (23, 31)).astype(np.uint8)
    Image.fromarray(levels).save(tmp_path / "grey.png")
    return tmp_path / "grey.png", levels / 255


def opened(predictor, foreground=1):
    return Opened(predictor, Levels(), palette(Legend.of(foreground + 1).colours))


def test_one_foreground(picture, tmp_path):
    path, levels = picture
    done = write_predictions(opened(Greys()), [path], tmp_path / "out", probabilities=True)
    assert done.masks == [tmp_path / "out" / "grey_mask.png"]
    with Image.open(done.masks[0]) as mask:
        assert mask.mode == "L"
        np.testing.assert_array_equal(mask, 255 * (levels > 0.5))
    with Image.open(tmp_path / "out" / "grey_probability.png") as chances:
        assert chances.mode == "I;16"
        np.testing.assert_array_equal(chances, np.rint(levels * 65535))


def test_classes_are_numbers_in_their_colours(picture, tmp_path):
    path, levels = picture
    write_predictions(opened(Greys(3), 2), [path], tmp_path, probabilities=True)
    expected = np.where(levels > 0.5, 1, 2)
    colours = np.array([(0, 0, 0), *palette(Legend.of(3).colours)])
    with Image.open(tmp_path / "grey_mask.png") as mask:
        np.testing.assert_array_equal(mask, expected)
        np.testing.assert_array_equal(mask.convert("RGB"), colours[expected])
    read = Sample("grey", path, (tmp_path / "grey_mask.png",)).read_mask()
    np.testing.assert_array_equal(read, expected)
    for number, chances in ((1, levels), (2, 1 - levels)):
        found = np.asarray(Image.open(tmp_path / f"grey_probability_{number}.png"))
        np.testing.assert_allclose(found / 65535, chances / 1.5, atol=1e-5)
    drawn = np.asarray(Image.open(tmp_path / "grey_overlay.png"))
    for number in (1, 2):
        inside = ndimage.binary_erosion(expected == number, border_value=1)
        outline = (expected == number) & ~inside
        np.testing.assert_array_equal((drawn == colours[number]).all(-1), outline)


def test_components_are_removed_as_asked(picture, tmp_path):
    path, levels = picture
    done = write_predictions(opened(Greys(decision=Decision(largest_component=True))), [path], tmp_path / "out")
    components, count = ndimage.label(levels > 0.5, np.ones((3, 3)))
    largest = 1 + np.argmax(ndimage.sum_labels(levels > 0.5, components, range(1, count + 1)))
    assert count > 1
    np.testing.assert_array_equal(np.asarray(Image.open(done.masks[0])), 255 * (components == largest))


def test_a_decision_for_other_classes_is_refused_before_a_picture_is_read(picture, tmp_path):
    with pytest.raises(ConfigError, match="there are 1 foreground classes"):
        write_predictions(opened(Greys(decision=Decision(smallest=(3, 4)))), [picture[0]], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_decides_as_its_recipe_says_and_otherwise_where_asked(recipe, picture, tmp_path):
    train(replace(recipe, epochs=1, decision=Decision(threshold=(0.7,))), tmp_path / "run", progress=False)
    image = Sample("grey", picture[0]).read_image()
    predictor = Predictor.from_run(tmp_path / "run")
    chances = predictor.probabilities(image)[0]
    middle = float(chances.median())
    assert torch.equal(predictor(image).bool(), chances > 0.7)
    inference = Inference(decision=Decision(threshold=(middle,)))
    done = predict(tmp_path / "run", [picture[0]], tmp_path / "out", inference=inference)
    mask = np.asarray(Image.open(done.masks[0]))
    np.testing.assert_array_equal(mask > 0, chances > middle)
    assert 0.3 < (mask > 0).mean() < 0.7


def test_colours_of_all_classes_differ():
    assert all(len(set(palette(Legend.of(count).colours))) == count - 1 for count in (2, 3, 8, 31))
