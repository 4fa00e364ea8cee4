import os
from pathlib import Path

import numpy as np
import pytest

from edgewise._ground.errors import DataError, EdgewiseWarning
from edgewise.vision.data import create_dataset
from edgewise.vision.data.glas import _patients
from edgewise.vision.data.glas_patients import PATIENTS

REAL = os.environ.get("EDGEWISE_DATA")
TABLE = "name,patient ID, grade (GlaS), grade (x)\rtestA_1,4, benign, a\rtrain_1,4, benign, b\rtrain_2,2, malignant, c\r"


def write_released(save, noise, train: int = 2):
    for id in [f"train_{n}" for n in range(1, train + 1)] + ["testA_1", "testB_1"]:
        save(f"Warwick/{id}.bmp", noise(1, channels=3))
        save(f"Warwick/{id}_anno.bmp", np.kron([[0, 1], [2, 3]], np.ones((16, 16))).astype(np.uint8))


def test_released_layout_merges_instances_and_groups_by_patient(save, noise, tmp_path):
    write_released(save, noise)
    (tmp_path / "Warwick" / "Grade.csv").write_bytes(TABLE.encode())
    dataset = create_dataset("glas", tmp_path)
    assert dataset.ids == ("testA_1", "testB_1", "train_1", "train_2")
    assert [sample.group for sample in dataset] == ["4", "3", "4", "2"]
    assert np.array_equal(dataset[0].read_mask(), np.kron([[0, 1], [1, 1]], np.ones((16, 16))))


def test_ukan_layout(save, noise, tmp_path):
    save("images/train_01.png", noise(1))
    save("masks/0/train_01.png", noise(2))
    assert create_dataset("glas", tmp_path).ids == ("train_01",)


@pytest.fixture
def all_names(tmp_path):
    """The names of all 165 pictures, with leading zeros; nothing is read from them."""
    for part in ("images", "masks/0"):
        (tmp_path / part).mkdir(parents=True)
        for name, count in (("train", 85), ("testA", 60), ("testB", 20)):
            for number in range(1, count + 1):
                (tmp_path / part / f"{name}_{number:02d}.png").touch()
    return tmp_path


def test_no_patient_is_on_two_sides_by_default(all_names):
    dataset = create_dataset("glas", all_names)
    assert len({sample.group for sample in dataset}) == 16
    for seed in (2981, 6142, 1187):
        split = dataset.split(seed)
        assert split.leaks() == {"test": (0, len(split.test)), "validation": (0, len(split.validation))}
        for side, part in ((split.train, 0.72), (split.validation, 0.08), (split.test, 0.2)):
            assert abs(len(side) / 165 - part) < 0.05


def test_the_challenges_split_shares_eleven_patients(all_names):
    split = create_dataset("glas", all_names, split_by="official").split()
    sides = [{sample.group for sample in side} for side in (split.train, split.validation, split.test)]
    assert len((sides[0] | sides[1]) & sides[2]) == 11
    assert split.leak_note().startswith(f"{split.leaks()['test'][0]} of 80 test images")


@pytest.mark.skipif(not REAL, reason="EDGEWISE_DATA names no folder of real data")
def test_the_table_of_patients_is_the_released_one():
    table = next(Path(REAL, "released", "glas").glob("*/Grade.csv"))
    assert _patients(table) == PATIENTS


def test_unknown_names_are_of_unknown_patients(save, noise, tmp_path):
    for name in ("train_1", "slide_7"):
        save(f"images/{name}.png", noise(1))
        save(f"masks/0/{name}.png", noise(2))
    with pytest.warns(EdgewiseWarning, match="the patient of 1 pictures of 'glas' is unknown, such as 'slide_7'"):
        assert create_dataset("glas", tmp_path).split_by == "published"


def test_official_split(save, noise, tmp_path):
    write_released(save, noise, train=10)
    split = create_dataset("glas", tmp_path, split_by="official").split(seed=7)
    assert split.test.ids == ("testA_1", "testB_1")
    assert (len(split.train), len(split.validation)) == (9, 1)
    assert {*split.train.ids, *split.validation.ids} == {f"train_{n}" for n in range(1, 11)}


def test_official_split_of_something_else(make_set):
    with pytest.raises(DataError, match="dataset 'toy' has no official division"):
        make_set(4, split_by="official").split()


@pytest.mark.skipif(not REAL, reason="EDGEWISE_DATA names no folder of real data")
def test_real_files():
    dataset = create_dataset("glas", Path(REAL, "released", "glas"))
    assert [sample.group for sample in dataset] == ["4", "3", "3", "2", "5", "2"]
    split = create_dataset("glas", Path(REAL, "glas256"), split_by="official").split()
    assert [len(side) for side in (split.train, split.validation, split.test)] == [76, 9, 80]
