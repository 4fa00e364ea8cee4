"""The pictures that a generation learns from: sides, sizes, mirrors, and what cannot be used."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision import Model, PictureData
from edgewise.vision.data import create_dataset
from edgewise.vision.generation.images import PictureImages, PictureSamples, sides_of
from edgewise.vision.generation.network import create_noise_predictor
from tests.vision.generation.conftest import SIDE, write_hills


def save(path, pixels):
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def test_sides_hold_every_picture_once_and_no_copy(small, hills, tmp_path):
    folder = write_hills(tmp_path / "twice")
    for index in range(5):
        (folder / f"copy{index}.png").write_bytes((folder / f"{index:02d}.png").read_bytes())
    dataset = create_dataset("pictures", folder)
    split = sides_of(dataset, small.data)
    sides = [set(part.ids) for part in (split.train, split.validation, split.test)]
    assert sum(map(len, sides)) == len(set.union(*sides))
    of = {name: number for number, side in enumerate(sides) for name in side}
    pairs = [(of.get(f"{index:02d}"), of.get(f"copy{index}")) for index in range(5)]
    assert all(one is None or other is None or one == other for one, other in pairs)


def test_pictures_are_cut_to_the_aspect_around_their_centre_and_made_smaller(tmp_path):
    """A middle of 16 x 16 in 4 x 4 blocks: bilinear with antialiasing keeps the mean of what is linear."""
    rows, columns = np.mgrid[:16, :32]
    save(tmp_path / "wide.png", 4 * columns + 2 * rows)
    samples = PictureSamples(create_dataset("pictures", tmp_path), PictureData(size=(4, 4), channels=1))
    found = (samples[0]["image"][0] + 1) * 127.5
    centre = 4 * (8 + 4 * np.arange(4) + 1.5) + 2 * (4 * np.arange(4)[:, None] + 1.5)
    assert np.abs(found.numpy() - centre)[1:3, 1:3].max() < 1e-3
    assert samples[0]["image"].abs().max() <= 1


def test_colours_become_grey_and_grey_becomes_colour(tmp_path):
    save(tmp_path / "colour.png", np.full((4, 4, 3), (255, 0, 0)))
    dataset = create_dataset("pictures", tmp_path)
    assert (
        (PictureSamples(dataset, PictureData(size=(4, 4), channels=1))[0]["image"] + 1) / 2
    ).mean().item() == pytest.approx(0.299)
    (tmp_path / "colour.png").unlink()
    save(tmp_path / "grey.png", np.full((4, 4), 51))
    image = PictureSamples(create_dataset("pictures", tmp_path), PictureData(size=(4, 4)))[0]["image"]
    assert image.shape == (3, 4, 4)
    assert torch.allclose(image, torch.tensor(2 * 51 / 255 - 1))


def test_every_other_training_picture_is_mirrored_anew_in_each_epoch(small):
    images = PictureImages(small)
    plain = images.train.pictures
    seen = []
    for epoch in (0, 1, 0):
        images.train.set_epoch(epoch)
        mirrored = [torch.equal(images.train[n]["image"], plain[n].flip(-1)) for n in range(len(plain))]
        assert all(torch.equal(images.train[n]["image"], plain[n]) != turned for n, turned in enumerate(mirrored))
        seen.append(mirrored)
    assert seen[0] == seen[2] != seen[1]
    assert 0.2 < np.mean(seen) < 0.8
    validation = images.validation
    assert all(torch.equal(validation[n]["image"], validation.pictures[n]) for n in range(len(validation)))


def test_a_picture_smaller_than_the_size_is_named(small, tmp_path):
    folder = write_hills(tmp_path / "mixed", count=12)
    save(folder / "small.png", np.zeros((9, 30)))
    told = r"small\.png is 9 x 30 and data\.size is 12 x 12 \(height x width\), .* not made larger: lower data\.size"
    with pytest.raises(DataError, match=told):
        PictureImages(replace(small, data=replace(small.data, root=str(folder))))


@pytest.mark.parametrize("count", [1, 9])
def test_too_few_pictures(small, tmp_path, count):
    folder = write_hills(tmp_path / "few", count=count)
    with pytest.raises(DataError, match=f"'pictures' has {count} pictures, and three sides need 10 at least: add some"):
        PictureImages(replace(small, data=replace(small.data, root=str(folder))))


def test_pictures_that_are_all_the_same(small, tmp_path):
    folder = write_hills(tmp_path / "same", count=1)
    for index in range(1, 12):
        (folder / f"{index:02d}.png").write_bytes((folder / "00.png").read_bytes())
    with pytest.raises(DataError, match="the train side of 'pictures' has 0 pictures without copies"):
        PictureImages(replace(small, data=replace(small.data, root=str(folder))))


def test_a_dataset_with_classes_is_refused(small, tmp_path):
    for name in "ab":
        write_hills(tmp_path / name, count=3)
    data = PictureData(name="imagefolder", root=str(tmp_path), size=(SIDE, SIDE))
    with pytest.raises(ConfigError, match="'imagefolder' has classes, and a generation learns from pictures alone"):
        PictureImages(replace(small, data=data))


@pytest.mark.parametrize(
    ("name", "size", "told"),
    [
        ("unet", (64, 64), "model 'unet' makes logits for each pixel of a picture, and a generation needs one that finds"),
        ("ukan_diffusion", (48, 64), "cannot take pictures (channels, height, width) (1, 48, 64) (image sides must be mul"),
    ],
)
def test_models_that_cannot_be_trained_so(name, size, told):
    data = PictureData(size=size, channels=1)
    with pytest.raises(ConfigError, match=re.escape(told)):
        create_noise_predictor(Model(name=name, options={"widths": [8, 8, 8]} if "diff" in name else {}), data)
