"""Published sets as they were released, made small: read by their own names, and as any folder."""

import numpy as np
import pytest

from edgewise._ground.errors import ConfigError, DataError, EdgewiseWarning
from edgewise.vision.data import VOID, create_dataset
from edgewise.vision.data.known import find_known
from tests.vision.data import released


@pytest.fixture(params=released.FORMS)
def form(request, tmp_path):
    make, name, divided = released.FORMS[request.param]
    make(tmp_path)
    return tmp_path, name, divided


def test_a_set_is_read_by_its_name_and_as_a_folder(form):
    root, name, divided = form
    for dataset in (create_dataset(name, root), create_dataset("folder", root)):
        assert len(dataset) == 12
        assert dataset.split_by == divided
        for sample in dataset:
            image, mask = sample.read()
            assert image.shape == (3, 32, 40)
            assert set(np.unique(mask)) - {VOID} == {0, 1}
        assert len({sample.group for sample in dataset}) > 1 or divided != "grouped"
    assert create_dataset("folder", root).citation == create_dataset(name, root).citation


def test_a_folder_around_the_set_will_do(tmp_path):
    for make, name, _ in released.FORMS.values():
        make(tmp_path / name / "inner")
        if name != "dsb2018":
            assert len(create_dataset(name, tmp_path / name)) == 12


def test_what_is_outside_the_field_of_view_is_void(tmp_path):
    released.drive(tmp_path)
    sample = create_dataset("drive", tmp_path).subset(["01_test"])[0]
    mask = sample.read_mask()
    expected = np.full((32, 40), VOID)
    expected[2:-2, 4:-4] = released.blob(1)[2:-2, 4:-4] > 0
    np.testing.assert_array_equal(mask, expected)
    assert sample.files[-1].name == "01_test_mask.gif"
    released.write(sample.field, np.zeros((5, 5), np.uint8))
    with pytest.raises(DataError, match=r"01_test_mask\.gif is 5 x 5 and mask .*01_manual1\.gif 32 x 40"):
        sample.read_mask()


def test_the_second_grader(tmp_path):
    released.chase(tmp_path / "chase")
    dataset = create_dataset("chase", tmp_path / "chase", grader=2)
    np.testing.assert_array_equal(dataset[0].read_mask(), released.blob(51) > 0)
    assert dataset[0].group == dataset[1].group == "child 01"
    released.drive(tmp_path / "drive")
    with pytest.warns(EdgewiseWarning, match="training has no 2nd_manual, so its pictures are left out"):
        dataset = create_dataset("drive", tmp_path / "drive", grader=2)
    assert {sample.side for sample in dataset} == {"test"}
    with pytest.raises(ConfigError, match="grader=3 of 'drive' must be 1 or 2"):
        create_dataset("drive", tmp_path / "drive", grader=3)


def test_what_is_missing_is_named(tmp_path):
    released.drive(tmp_path / "drive")
    (tmp_path / "drive/training/mask/22_training_mask.gif").unlink()
    with pytest.raises(DataError, match=r"22_training\.tif has no file of its number in .*mask; get the whole release"):
        create_dataset("drive", tmp_path / "drive")
    released.chase(tmp_path / "chase")
    (tmp_path / "chase/Image_02R_1stHO.png").unlink()
    with pytest.raises(DataError, match=r"Image_02R\.jpg has no Image_02R_1stHO\.png"):
        create_dataset("chase", tmp_path / "chase")
    with pytest.raises(DataError, match="has no layout of dataset 'dsb2018'"):
        create_dataset("dsb2018", tmp_path)


def test_kinds_of_tumours_of_a_mirror(tmp_path):
    released.busi_mirrored(tmp_path)
    dataset = create_dataset("busi", tmp_path, classes=["benign", "malignant"])
    assert {int(sample.read_mask().max()) for sample in dataset if sample.id.startswith("malignant")} == {2}


def test_a_folder_of_ones_own_is_no_published_set(tmp_path):
    released.tree(tmp_path / "a")
    for number in range(3):
        released.write(tmp_path / f"b/Original/scan{number}.png", released.noise(number))
        released.write(tmp_path / f"b/Ground Truth/scan{number}.png", released.blob(number))
    assert find_known(tmp_path / "a") is find_known(tmp_path / "b") is None
    assert create_dataset("folder", tmp_path / "b").split_by == "published"


def test_options_of_a_folder_hold_for_a_published_set(tmp_path):
    released.cvc(tmp_path)
    dataset = create_dataset("folder", tmp_path, channels=1, groups="(.*)", split_by="published", mask_values="binary")
    assert (dataset.channels, dataset.split_by, dataset.coding.kind) == (1, "published", "binary")
    assert dataset[0].group == dataset[0].id
