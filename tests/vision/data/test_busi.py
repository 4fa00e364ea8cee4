import os
from pathlib import Path

import numpy as np
import pytest

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data import create_dataset, find_duplicates

REAL = os.environ.get("EDGEWISE_DATA")
needs_data = pytest.mark.skipif(not REAL, reason="EDGEWISE_DATA names no folder of real data")


@pytest.fixture
def released(save, noise, tmp_path):
    """The released layout: colour PNGs, 1-bit masks, a second tumour, an RGB mask for a normal picture."""
    left, right, none = np.zeros((3, 32, 32), bool)
    left[4:9, 3:7], right[20:30, 18:25] = True, True
    for name, masks in {"benign (1)": [left], "benign (10)": [left, right], "malignant (2)": [right]}.items():
        stem = f"busi/Dataset_BUSI_with_GT/{name.split()[0]}/{name}"
        save(f"{stem}.png", noise(len(name), channels=3))
        for number, mask in enumerate(masks):
            save(f"{stem}_mask{f'_{number}' if number else ''}.png", mask)
    stem = "busi/Dataset_BUSI_with_GT/normal/normal (1)"
    save(f"{stem}.png", noise(9, channels=3))
    save(f"{stem}_mask.png", np.repeat(none[..., None], 3, -1).astype(np.uint8))
    return tmp_path / "busi", left, right


def test_released_layout_merges_masks_and_drops_normal(released):
    root, left, right = released
    for folder in (root, root / "Dataset_BUSI_with_GT"):
        dataset = create_dataset("busi", folder)
        assert dataset.ids == ("benign (1)", "benign (10)", "malignant (2)")
        assert np.array_equal(dataset[1].read_mask(), left | right)
        assert dataset[1].read_image().shape == (3, 32, 32)


def test_normal_is_kept_with_an_empty_mask(released):
    dataset = create_dataset("busi", released[0], normal=True)
    assert dataset.ids[-1] == "normal (1)"
    assert dataset[-1].read_mask().sum() == 0


def test_kinds_of_tumours_are_classes_of_their_own(released):
    root, left, right = released
    dataset = create_dataset("busi", root, normal=True, classes=["benign", "malignant"])
    assert dataset.legend.names == ("background", "benign", "malignant")
    assert np.array_equal(dataset[1].read_mask(), left | right)
    assert np.array_equal(dataset[2].read_mask(), 2 * right)
    assert not dataset[3].read_mask().any()
    turned = create_dataset("busi", root, classes=["malignant", "benign"])
    assert np.array_equal(turned[1].read_mask(), 2 * (left | right))
    with pytest.raises(ConfigError, match=r"classes=\['benign'\] of 'busi' must be"):
        create_dataset("busi", root, classes=["benign"])


def test_a_name_that_says_no_kind_is_refused(save, noise, tmp_path):
    save("images/1.png", noise(1))
    save("masks/1.png", noise(2))
    with pytest.raises(DataError, match=r"1\.png of 'busi' says no class"):
        create_dataset("busi", tmp_path, classes=["benign", "malignant"])


def test_ukan_layout(save, noise, tmp_path):
    for id in ("benign (1)", "normal (3)"):
        save(f"images/{id}.png", noise(1))
        save(f"masks/0/{id}_mask.png", noise(2))
    assert create_dataset("busi", tmp_path).ids == ("benign (1)",)
    assert create_dataset("busi", tmp_path, normal=True).ids == ("benign (1)", "normal (3)")


def test_neither_layout_says_which_were_looked_for(tmp_path):
    with pytest.raises(DataError, match="nor benign with malignant nor images with masks/0 nor images with masks is in it"):
        create_dataset("busi", tmp_path)


@needs_data
def test_real_released_files():
    dataset = create_dataset("busi", Path(REAL, "released", "busi"), normal=True)
    assert len(dataset) == 10
    one, two = (sample for sample in dataset if len(sample.masks) == 2)
    assert (one.id, two.id) == ("benign (100)", "benign (163)")
    assert one.read_mask().sum() > one.read()[1].sum() // 2 > 0


@needs_data
def test_real_known_pair_is_found():
    dataset = create_dataset("busi", Path(REAL, "busi256"))
    assert len(dataset) == 647
    found = find_duplicates(dataset)
    assert found[0][:2] == ("benign_433", "malignant_145")
    assert len(found) == 109
