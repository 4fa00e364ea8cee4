from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.vision import Decision, MaskedAugment, Predictor, RunFolder, train
from edgewise.vision.data import Preprocess
from edgewise.vision.segmentation.inference.opening import open_predictor
from edgewise.vision.segmentation.inference.turned import Turned

TURNS = [lambda x, k=k, flip=flip: np.rot90(x[..., ::-1] if flip else x, k, (-2, -1)) for k in range(4) for flip in (0, 1)]


def predictor(fit, size=(16, 16), classes=1):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, classes, 3, padding=1))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter *= 4
    return Predictor(network, Preprocess(size, 1, fit=fit), decision=Decision(smallest=(3,)))


@pytest.fixture
def image():
    return np.random.default_rng(0).random((1, 24, 24 + 7), dtype=np.float32)


@pytest.mark.parametrize("fit", ["pad", "tiles", "stretch"])
@pytest.mark.parametrize("turn", TURNS)
def test_what_is_made_of_a_picture_turned_is_what_is_made_of_the_picture_turned(fit, turn, image):
    plain, turned = predictor(fit), Turned(predictor(fit))
    picture = np.ascontiguousarray(turn(image))
    expected = turn(turned.probabilities(image).numpy())
    np.testing.assert_allclose(turned.probabilities(picture), expected, atol=1e-5)
    if turn is not TURNS[0]:
        assert abs(plain.probabilities(picture).numpy() - turn(plain.probabilities(image).numpy())).max() > 0.01


def test_it_is_the_mean_of_all_eight(image):
    plain = predictor("tiles", classes=3)
    seen = [plain.probabilities(np.ascontiguousarray(turn(image))).numpy() for turn in TURNS]
    back = []
    for found, (quarters, flip) in zip(seen, np.ndindex(4, 2), strict=True):
        upright = np.rot90(found, -quarters, (1, 2))
        back.append(upright[..., ::-1] if flip else upright)
    turned = Turned(plain)
    np.testing.assert_allclose(turned.probabilities(image), np.mean(back, 0), atol=1e-6)
    assert turned.decision == plain.decision


def test_where_height_and_width_differ_there_are_no_quarter_turns(image):
    plain = predictor("stretch", (16, 24))
    seen = []
    probabilities = plain.probabilities
    plain.probabilities = lambda x: seen.append(x.shape) or probabilities(x)
    Turned(plain).probabilities(image)
    assert seen == [image.shape] * 4


@pytest.mark.parametrize(("symmetry", "count"), [("mirror", 2), ("flips", 4), ("turns", 8)])
def test_pictures_are_turned_as_in_training(symmetry, count, image):
    plain = predictor("pad")
    plain.symmetry, seen, probabilities = symmetry, [], plain.probabilities
    plain.probabilities = lambda x: seen.append(x) or probabilities(x)
    Turned(plain).probabilities(image)
    assert len({x.tobytes() + bytes(x.shape) for x in seen}) == len(seen) == count
    if symmetry == "mirror":
        np.testing.assert_array_equal(seen[1], image[..., ::-1])


def test_a_run_says_how_its_pictures_were_turned(recipe, tmp_path):
    augment = MaskedAugment(symmetry="mirror")
    train(replace(recipe, epochs=1, augment=augment), tmp_path / "run", progress=False)
    assert open_predictor(tmp_path / "run", turned=True).predictor.symmetry == "mirror"
    folder = RunFolder(tmp_path / "run")
    folder.write_config(replace(recipe, augment=MaskedAugment(preset="none")), folder.read_facts())
    with pytest.raises(ConfigError, match="neither turned nor flipped in training"):
        open_predictor(tmp_path / "run", turned=True)
