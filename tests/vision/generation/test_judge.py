"""The classifier whose features are compared."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from edgewise._ground.errors import CheckpointError
from edgewise.vision import Judge, LabelledData, Machine, Model, create_recipe, train
from edgewise.vision.data import DATASETS, ArrayPictures, ClassificationSet
from edgewise.vision.generation.images import PictureImages
from edgewise.vision.generation.judge import judge_of, last_input, turned, turns_of
from edgewise.vision.generation.sample import to_pixels


def test_it_learns_to_tell_how_a_picture_is_turned(small):
    """Dark above and bright below: a quarter of guesses would be right, and all can be."""
    images = PictureImages(small)
    before = torch.random.get_rng_state()
    judge = judge_of(Judge(steps=100), images.train.pictures, images.validation.pictures, seed=0)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert judge.accuracy > 0.8
    features = judge.features(to_pixels(images.validation.pictures))
    assert features.shape == (len(images.validation), 32)
    again = judge_of(Judge(steps=100), images.train.pictures, images.validation.pictures, seed=0)
    assert np.array_equal(again.features(to_pixels(images.validation.pictures)), features)


def test_turns_keep_the_size():
    assert turns_of((8, 8)) == [0, 1, 2, 3]
    assert turns_of((8, 12)) == [0, 2]
    x = torch.arange(6.0).reshape(1, 1, 2, 3)
    assert torch.equal(turned(x, [0, 2], 1), x.flip(-1).flip(-2))


def test_features_are_what_the_last_layer_is_given():
    network = nn.Sequential(nn.Conv2d(1, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2), nn.Softmax(1))
    x = torch.randn(4, 1, 5, 5)
    assert torch.equal(last_input(network, x), network[:3](x))
    assert not any(module._forward_pre_hooks for module in network.modules())


@pytest.fixture
def classified(tmp_path):
    """A run of classification on pictures, dark and bright."""
    labels = np.arange(24) % 2
    pixels = np.random.default_rng(0).integers(0, 100, (24, 8, 8)) + 150 * labels[:, None, None]
    pictures = ArrayPictures(pixels.astype(np.uint8))
    DATASETS.register("shades")(lambda: ClassificationSet("shades", pictures, labels, ("dark", "bright"), channels=1))

    def run(model):
        recipe = replace(
            create_recipe("mnist"),
            data=LabelledData(name="shades", size=(8, 8), classes=2, validation=0.2),
            model=model,
            machine=Machine(accelerator="cpu"),
            epochs=1,
            batch_size=4,
        )
        train(recipe, tmp_path / model.name, progress=False)
        return str(tmp_path / model.name)

    yield run
    DATASETS.unregister("shades")


def test_a_run_of_classification_can_be_the_judge(classified):
    pictures = torch.zeros(3, 1, 8, 8)
    run = classified(Model(name="cnn", options={"width": 4, "stages": 2}))
    judge = judge_of(Judge(run=run), pictures, pictures, seed=0)
    assert judge.accuracy is None
    assert run in judge.what
    assert judge.features(to_pixels(torch.zeros(5, 1, 12, 12))).shape == (5, 8)


def test_a_run_of_rows_cannot(classified):
    run = classified(Model(name="mlp", options={"width": [64, 2]}))
    with pytest.raises(CheckpointError, match="whose model 'mlp' takes no pictures: give a run of one that does"):
        judge_of(Judge(run=run), torch.zeros(3, 1, 8, 8), torch.zeros(3, 1, 8, 8), seed=0)
