import os
from pathlib import Path

import numpy as np
import pytest

from edgewise._ground.errors import EdgewiseWarning
from edgewise.vision.data import create_dataset

REAL = os.environ.get("EDGEWISE_DATA")


def test_released_layout_thresholds_soft_edges(save, noise, tmp_path):
    soft = np.array([[0, 8, 127], [128, 200, 255]], np.uint8)
    save("CVC-ClinicDB/Original/1.tif", np.zeros((2, 3, 3), np.uint8))
    save("CVC-ClinicDB/Ground Truth/1.tif", soft)
    dataset = create_dataset("cvc", tmp_path)
    assert np.array_equal(dataset[0].read_mask(), soft >= 128)


def test_ukan_layout_and_groups_by_video(save, noise, tmp_path):
    for frame in (1, 20, 26, 612):
        save(f"images/{frame}.png", noise(frame))
        save(f"masks/0/{frame}.png", noise(frame))
    groups = {sample.id: sample.group for sample in create_dataset("cvc", tmp_path)}
    assert groups == {"1": "video 1", "20": "video 1", "26": "video 2", "612": "video 29"}


BORDERS = [1, 26, 51, 68, 79, 104, 127, 152, 178, 200, 206, 228, 253, 278, 298, 318, 343, 364, 384, 409, 429, 448, 467, 479]
BORDERS += [504, 529, 547, 572, 592, 613]


@pytest.fixture
def frames(tmp_path):
    """The names of all 612 frames; nothing is read from them."""
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
        for frame in range(1, 613):
            (tmp_path / part / f"{frame}.png").touch()
    return tmp_path


def test_no_video_is_on_two_sides_by_default(frames):
    dataset = create_dataset("cvc", frames)
    for seed in (2981, 6142, 1187):
        split = dataset.split(seed)
        sides = [
            {np.searchsorted(BORDERS, int(id), "right") for id in s.ids}
            for s in (split.train, split.validation, split.test)
        ]
        assert sum(map(len, sides)) == len(set.union(*sides)) == 29
        for side, part in ((split.train, 0.72), (split.validation, 0.08), (split.test, 0.2)):
            assert abs(len(side) / 612 - part) < 0.05


def test_the_literatures_split_says_what_it_leaks(frames):
    split = create_dataset("cvc", frames, split_by="published").split()
    assert split.leaks()["test"] == (123, 123)
    assert "123 of 123 test images" in split.leak_note()


def test_frames_of_other_names_are_of_unknown_videos(save, noise, tmp_path):
    for name in ("1", "613", "cju0"):
        save(f"images/{name}.png", noise(1))
        save(f"masks/{name}.png", noise(2))
    with pytest.warns(EdgewiseWarning, match="the video of 2 pictures of 'cvc' is unknown, such as '613'"):
        assert create_dataset("cvc", tmp_path).split_by == "published"


@pytest.mark.skipif(not REAL, reason="EDGEWISE_DATA names no folder of real data")
def test_real_files_which_pillow_cannot_read():
    dataset = create_dataset("cvc", Path(REAL, "released", "cvc"))
    for sample in dataset:
        image, mask = sample.read()
        assert image.shape == (3, 288, 384)
        assert image.max() > 0.5
        assert 0.01 < mask.mean() < 0.2
