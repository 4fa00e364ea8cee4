import numpy as np
import pytest

from edgewise._ground.errors import DataError
from edgewise.vision.data import create_dataset


def test_default_layout(save, noise, tmp_path):
    for id in ("b", "a"):
        save(f"images/{id}.jpg", noise(1))
        save(f"masks/{id}.png", np.ones((32, 32), bool))
    dataset = create_dataset("folder", tmp_path, channels=1)
    assert (dataset.ids, dataset.channels) == (("a", "b"), 1)
    assert dataset[0].read_mask().all()


def test_other_names_and_suffix(save, noise, tmp_path):
    save("photos/a.png", noise(1))
    save("labels/a_seg.png", noise(1))
    dataset = create_dataset("folder", tmp_path, images="photos", masks="labels", mask_suffix="_seg")
    assert dataset[0].masks[0].name == "a_seg.png"


def test_empty_folder(tmp_path):
    with pytest.raises(DataError, match="neither images with masks is in it"):
        create_dataset("folder", tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    with pytest.raises(DataError, match="masks holds no images"):
        create_dataset("folder", tmp_path)
