import os
from pathlib import Path

import numpy as np
import pytest

from edgewise._ground.errors import DataError
from edgewise.vision.data import create_dataset

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
    assert [sample.group for sample in dataset] == ["4", None, "4", "2"]
    assert np.array_equal(dataset[0].read_mask(), np.kron([[0, 1], [1, 1]], np.ones((16, 16))))


def test_ukan_layout(save, noise, tmp_path):
    save("images/train_01.png", noise(1))
    save("masks/0/train_01.png", noise(2))
    assert create_dataset("glas", tmp_path).ids == ("train_01",)


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
