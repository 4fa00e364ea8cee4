"""Folders named after classes, and those of cats against dogs."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data import ClassificationSet, create_dataset


def picture(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 6, 3), value, np.uint8)).save(path)


def test_folders_with_sides(tmp_path):
    for side, count in (("train", 6), ("val", 2), ("test", 3)):
        for name in ("n01", "n02"):
            for number in range(count):
                picture(tmp_path / side / name / f"{number}.jpg", number)
    dataset = create_dataset("imagefolder", tmp_path)
    split = dataset.split()
    assert isinstance(dataset, ClassificationSet)
    assert dataset.classes == ("n01", "n02")
    assert [len(part) for part in (split.train, split.validation, split.test)] == [12, 4, 6]
    assert split.test.id(0) == "test/n01/0.jpg"
    assert len(create_dataset("imagefolder", tmp_path, test="val").split().test) == 4
    for path in (tmp_path / "test").rglob("*.jpg"):
        path.unlink()
    for folder in ("n01", "n02", ""):
        (tmp_path / "test" / folder).rmdir()
    imagenet = create_dataset("imagefolder", tmp_path).split()
    assert [len(part) for part in (imagenet.train, imagenet.validation, imagenet.test)] == [10, 2, 4]
    with pytest.raises(DataError, match="tests is not a folder"):
        create_dataset("imagefolder", tmp_path, test="tests")
    picture(tmp_path / "val" / "n03" / "0.jpg", 0)
    with pytest.raises(DataError, match="class 'n03' is tested and not trained on"):
        create_dataset("imagefolder", tmp_path)


@pytest.mark.parametrize(
    ("folders", "test", "beside"),
    [
        (("", "holdout"), "holdout", "holdout"),
        (("",), "nowhere", "nowhere"),
        (("learning", "val", "test"), None, "test"),
        (("", "test"), None, "test"),
    ],
)
def test_test_pictures_are_not_trained_on_for_want_of_a_training_folder(tmp_path, folders, test, beside):
    for folder in folders:
        for name in ("n01", "n02"):
            picture(tmp_path / folder / name / "0.jpg", 0)
    with pytest.raises(DataError, match=f"has no folder 'train' beside '{beside}'; name the folder to learn from 'train'"):
        create_dataset("imagefolder", tmp_path, test=test)


def test_folders_that_hold_nothing_to_learn_are_refused(tmp_path):
    with pytest.raises(DataError, match="holds no pictures"):
        create_dataset("imagefolder", tmp_path)
    picture(tmp_path / "only" / "0.png", 1)
    with pytest.raises(DataError, match="holds 1 classes"):
        create_dataset("imagefolder", tmp_path)
    with pytest.raises(DataError, match="is not a folder"):
        create_dataset("imagefolder", tmp_path / "none")


@pytest.mark.parametrize("layout", ["train/{}.{}.jpg", "{}.{}.jpg", "PetImages/{}/{}.jpg", "train/{}s/{}.jpg"])
def test_cats_against_dogs_in_every_layout(tmp_path, layout):
    for number in range(5):
        picture(tmp_path / layout.format("cat", number), number)
        picture(tmp_path / layout.format("dog", number), 100 + number)
    dataset = create_dataset("cats_vs_dogs", tmp_path)
    assert dataset.name == "cats_vs_dogs"
    values = np.array([dataset.pictures[index].mean() for index in range(10)])
    assert np.array_equal(values > 50, dataset.labels == 1)


def test_the_test_side_of_cats_against_dogs_is_honoured_or_refused(tmp_path):
    layouts = ("kaggle/train/{}.0.jpg", "kaggle/held/{}.1.jpg", "flat/{}.0.jpg", "flat/held/{}.1.jpg")
    for layout in (*layouts, "pets/PetImages/{}/0.jpg", "pets/held/{}/1.jpg"):
        for name in ("cat", "dog"):
            picture(tmp_path / layout.format(name), 0)
    split = create_dataset("cats_vs_dogs", tmp_path / "kaggle", test="held")
    assert split.sides.tolist() == [0, 0, 2, 2]
    assert split.id(2) == "held/cat.1.jpg"
    for root in ("flat", "pets"):
        with pytest.raises(DataError, match="has no folder 'train' beside 'held'"):
            create_dataset("cats_vs_dogs", tmp_path / root, test="held")
    with pytest.raises(ConfigError, match="test='held' names a folder of root, and there is none"):
        create_dataset("cats_vs_dogs", test="held")


def test_three_kinds_of_pets_are_no_cats_against_dogs(tmp_path):
    for name in ("cat", "dog", "emu"):
        picture(tmp_path / name / "0.jpg", 1)
    with pytest.raises(DataError, match="are two classes, and there are 3"):
        create_dataset("cats_vs_dogs", tmp_path)
