from dataclasses import replace

import numpy as np
import pytest
import torch

from edgewise._ground.errors import ConfigError
from edgewise.vision import Augment, LabelledData
from edgewise.vision.classification import images
from edgewise.vision.classification.images import LabelledImages, open_classes, training_view, view_of
from edgewise.vision.data.strong import StrongView
from edgewise.vision.data.view import MovedView, View


def test_plain_pictures_are_left_alone():
    assert training_view(LabelledData(size=(28, 28)), Augment()) == View((28, 28), 1)


@pytest.mark.parametrize(("size", "pad", "pixels"), [(28, 0.05, 1), (28, 0.08, 2), (32, 0.125, 4), (32, 0.0, 0)])
def test_the_padding_is_a_part_of_the_side(size, pad, pixels):
    view = training_view(LabelledData(size=(size, size)), Augment(crop="pad", pad=pad))
    assert isinstance(view, MovedView)
    assert view.padding == pixels


def test_strong_views_move_as_far():
    pytest.importorskip("timm")
    data, augment = LabelledData(size=(20, 40), channels=3), Augment(crop="pad", pad=0.1, jitter=1e-9)
    view = training_view(data, augment)
    assert isinstance(view, StrongView)
    picture = np.full((20, 40, 3), 255, dtype=np.uint8)
    seen = view([picture] * 100, np.arange(100, dtype=np.uint64))
    black = (seen < 0).all(1)  # what moved in from outside
    assert black.all(2).sum(1).max() == 2  # rows
    assert black.all(1).sum(1).max() == 4  # columns
    assert torch.equal((seen < 0).any(1), black)


@pytest.mark.parametrize("crop", ["none", "pad"])
@pytest.mark.parametrize("size", [(20, 40), (32, 32)])
@pytest.mark.parametrize("shape", [(20, 90), (90, 20), (64, 64)])
def test_strong_views_keep_the_proportions_of_the_plain_one(crop, size, shape):
    pytest.importorskip("timm")
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    picture = np.stack([rows * 2, columns * 2, rows + columns], -1).astype(np.uint8)
    data = LabelledData(size=size, channels=3)
    view = training_view(data, Augment(crop=crop, jitter=1e-9, **({"pad": 0.0} if crop == "pad" else {})))
    assert isinstance(view, StrongView)
    torch.testing.assert_close(view([picture], np.zeros(1, np.uint64)), view_of(data)([picture]), atol=0.02, rtol=0)


def test_padding_beyond_the_picture_is_refused():
    with pytest.raises(ConfigError, match=r"augment\.pad is 1\.0 and must be from 0 to below 1"):
        Augment(crop="pad", pad=1.0)


def test_a_part_for_validation_is_refused_where_the_pictures_come_with_a_validation_side(recipe, monkeypatch):
    dataset = open_classes(recipe.data)
    sides = np.where(np.arange(len(dataset)) % 5 == 0, 1, dataset.sides)
    monkeypatch.setattr(images, "open_classes", lambda data: replace(dataset, sides=sides))
    with pytest.raises(
        ConfigError, match=r"data\.validation is 0\.2 and has no effect with 'imagefolder', which comes with"
    ):
        LabelledImages(recipe)
