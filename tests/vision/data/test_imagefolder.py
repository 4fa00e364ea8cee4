"""Folders named after classes, and those of cats against dogs."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgewise._ground.errors import ConfigError, DataError, EdgewiseWarning
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


def patients(root: Path, side: str = "") -> list[Path]:
    """Twelve patients of two classes, some with pictures of both, three to five pictures each."""
    files = []
    for patient in range(12):
        for number in range(3 + patient % 3):
            name = "sick" if patient % 2 or (patient % 4 == 0 and number) else "well"
            files.append(root / side / name / f"p{patient:02d}_{number}.png")
            picture(files[-1], 10 * patient + number)
    return files


@pytest.mark.parametrize("groups", [r"(.*)_\d+", r"\w+/(.*)_\d+", "patients.csv", "ids.csv"])
def test_a_group_is_on_one_side_only(tmp_path, groups):
    files = patients(tmp_path)
    (tmp_path / "patients.csv").write_text("".join(f"{file.name},{file.name[:3]}\n" for file in files))
    lines = (f"{file.relative_to(tmp_path).with_suffix('')},{file.name[:3]}\n" for file in files)
    (tmp_path / "ids.csv").write_text("".join(lines))
    dataset = create_dataset("imagefolder", tmp_path, groups=groups)
    assert dataset.groups == tuple(dataset.id(index).split("/")[1][:3] for index in range(len(dataset)))
    test_sides = set()
    for seed in range(5):
        split = dataset.split(seed)
        parts = [split.train, split.validation, split.test]
        on = [{part.id(index).split("/")[1][:3] for index in range(len(part))} for part in parts]
        assert sum(map(len, on)) == len(set.union(*on)) == 12
        assert sum(map(len, parts)) == len(files)
        assert all(set(part.labels.tolist()) == {0, 1} for part in parts)
        assert split.leak_note() == ""
        test_sides.add(frozenset(on[2]))
    assert len(test_sides) > 1


def test_published_sides_are_kept_and_shared_groups_told(tmp_path):
    patients(tmp_path, "train")
    for number, name in enumerate(("sick", "well", "well")):
        picture(tmp_path / "val" / name / f"p{11 + number}_9.png", number)
    split = create_dataset("imagefolder", tmp_path, groups=r"(.*)_\d+").split()
    assert {split.test.id(index) for index in range(3)} == {
        f"val/{name}.png" for name in ("sick/p11_9", "well/p12_9", "well/p13_9")
    }
    assert not {*split.train.groups} & {*split.validation.groups}
    assert split.leaks() == {"test": (1, 3), "validation": (0, len(split.validation))}
    assert split.leak_note().startswith("1 of 3 test images share their group (a patient, a video) with images that were")


def test_groups_that_cannot_be_are_refused(tmp_path):
    for name in ("n01", "n02"):
        for number in range(3):
            picture(tmp_path / name / f"{number}.jpg", number)
    (tmp_path / "short.csv").write_text("0,a\n1,b\n2,c\n")
    for groups, error, message in (
        (r"(.*)_\d+", DataError, "the name '0' does not fit groups"),
        ("short.csv", DataError, r"says '0', which may be .*n01/0\.jpg or .*n02/0\.jpg: name them there as 'n02/0\.jpg'"),
        (3, ConfigError, "groups=3 must be text"),
    ):
        with pytest.raises(error, match=message):
            create_dataset("imagefolder", tmp_path, groups=groups)
    with pytest.raises(DataError, match="class 'n01' of 'imagefolder' is in 1 group, which cannot be parted"):
        create_dataset("imagefolder", tmp_path, groups="(n0.)/.*").split()


def test_the_class_is_the_first_folder_whatever_lies_below_it_beside_it_or_behind_a_link(tmp_path):
    for name in ("sick", "well"):
        for number in range(4):
            picture(tmp_path / "real" / name / f"patient{number % 2}" / f"{number}.webp", number)
    picture(tmp_path / "real" / ".ipynb_checkpoints" / "1.png", 0)
    picture(tmp_path / "real" / "__MACOSX" / "sick" / "1.png", 0)
    (tmp_path / "linked" / "data").mkdir(parents=True)
    for name in ("sick", "well"):
        (tmp_path / "linked" / "data" / name).symlink_to(tmp_path / "real" / name)
    (tmp_path / "linked" / "data" / "sick" / "patient0" / "again").symlink_to(tmp_path / "real" / "sick")  # a loop
    for root in (tmp_path / "real", tmp_path / "linked"):
        dataset = create_dataset("imagefolder", root)
        assert (dataset.classes, dataset.labels.tolist()) == (("sick", "well"), [0] * 4 + [1] * 4)
    picture(tmp_path / "real" / "all.png", 0)
    with pytest.warns(EdgewiseWarning, match=r"1 pictures lie in no folder of a class .*, such as .*all\.png"):
        assert len(create_dataset("imagefolder", tmp_path / "real")) == 8
