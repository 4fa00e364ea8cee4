"""Folders of pictures without masks."""

import numpy as np
import pytest
from PIL import Image

from edgewise._ground.errors import ConfigError, DataError, EdgewiseWarning
from edgewise.vision.data import create_dataset


def write(folder, *names):
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 8), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def test_every_picture_is_a_sample_without_masks(tmp_path):
    folder = write(tmp_path, "b.png", "a.jpg", "c.tif")
    (folder / "notes.txt").write_text("no picture")
    dataset = create_dataset("pictures", folder)
    assert dataset.ids == ("a", "b", "c")
    assert not any(sample.masks for sample in dataset)
    assert dataset[1].read_image().shape == (1, 6, 8)


def test_masks_beside_their_pictures_are_left_out(tmp_path):
    folder = write(tmp_path, "a.png", "a_mask.png", "b.png", "c_mask.png")
    with pytest.warns(EdgewiseWarning, match=r"1 files of .* are named like masks of others, such as a_mask\.png"):
        assert create_dataset("pictures", folder).ids == ("a", "b", "c_mask")


def test_groups_stay_together(tmp_path):
    folder = write(tmp_path, *(f"{patient}_{n}.png" for patient in range(12) for n in range(2)))
    dataset = create_dataset("pictures", folder, groups=r"(\d+)_\d")
    assert dataset.split_by == "grouped"
    split = dataset.split(0)
    sides = [{sample.group for sample in part} for part in (split.train, split.validation, split.test)]
    assert all(sides)
    assert sum(map(len, sides)) == 12


def test_deep_pictures_get_one_window(tmp_path):
    for number in range(2):
        Image.fromarray(np.full((4, 4), 100 + 1000 * number, np.uint16)).save(tmp_path / f"{number}.png")
    dataset = create_dataset("pictures", tmp_path)
    assert dataset[0].window == (100, 1100)
    assert dataset[1].read_image().max() == 1


def test_folders_that_hold_none(tmp_path):
    write(tmp_path / "images", "a.png")
    (tmp_path / "masks").mkdir()
    with pytest.raises(DataError, match=r"holds no pictures: give one of the folders in it \(images, masks\)"):
        create_dataset("pictures", tmp_path)
    with pytest.raises(DataError, match=r"holds no pictures: give a folder of \.png"):
        create_dataset("pictures", tmp_path / "masks")
    with pytest.raises(ConfigError, match=r"channels=2 cannot be made from pictures"):
        create_dataset("pictures", tmp_path, channels=2)
