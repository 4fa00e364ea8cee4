import os
from pathlib import Path

import numpy as np
import pytest

from edgewise.vision.data import create_dataset

REAL = os.environ.get("EDGEWISE_DATA")


def test_released_layout_thresholds_soft_edges(save, noise, tmp_path):
    soft = np.array([[0, 8, 127], [128, 200, 255]], np.uint8)
    save("CVC-ClinicDB/Original/1.tif", np.zeros((2, 3, 3), np.uint8))
    save("CVC-ClinicDB/Ground Truth/1.tif", soft)
    dataset = create_dataset("cvc", tmp_path)
    assert np.array_equal(dataset[0].read_mask(), soft >= 128)


def test_ukan_layout_and_groups_of_consecutive_frames(save, noise, tmp_path):
    for frame in (1, 20, 21, 612):
        save(f"images/{frame}.png", noise(frame))
        save(f"masks/0/{frame}.png", noise(frame))
    groups = {sample.id: sample.group for sample in create_dataset("cvc", tmp_path)}
    assert groups == {"1": "frames 1 on", "20": "frames 1 on", "21": "frames 21 on", "612": "frames 601 on"}


@pytest.mark.skipif(not REAL, reason="EDGEWISE_DATA names no folder of real data")
def test_real_files_which_pillow_cannot_read():
    dataset = create_dataset("cvc", Path(REAL, "released", "cvc"))
    for sample in dataset:
        image, mask = sample.read()
        assert image.shape == (3, 288, 384)
        assert image.max() > 0.5
        assert 0.01 < mask.mean() < 0.2
