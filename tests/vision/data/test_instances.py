import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from edgewise.vision import evaluate_masks
from edgewise.vision.data import create_dataset
from edgewise.vision.data.instances import has_instances, read_instances

PARTS = np.zeros((12, 16), np.uint8)
PARTS[1:5, 1:6], PARTS[1:5, 7:12], PARTS[7:11, 3:9] = 9, 4, 200


@pytest.fixture
def folders(tmp_path):
    """A folder for each picture with a file for each nucleus, as DSB2018 has it; the second picture has one nucleus."""
    for name, numbers in (("a", (9, 4, 200)), ("b", (4,))):
        for part in ("images", "masks"):
            (tmp_path / "set" / name / part).mkdir(parents=True)
        Image.fromarray((PARTS > 0) * np.uint8(200)).save(tmp_path / "set" / name / "images" / f"{name}.png")
        for number in numbers:
            Image.fromarray((number == PARTS) * np.uint8(255)).save(tmp_path / "set" / name / "masks" / f"{number}.png")
    return create_dataset("folder", tmp_path / "set")


def test_each_file_is_an_instance(folders):
    assert has_instances(folders)
    first, second = (read_instances(sample) for sample in folders)
    files = [path.stem for path in folders[0].masks]
    for number in (9, 4, 200):
        np.testing.assert_array_equal(first == files.index(str(number)) + 1, number == PARTS)
    np.testing.assert_array_equal(second, PARTS == 4)
    found = evaluate_masks(lambda image: torch.from_numpy((image[0] > 0.5).astype(np.int64)), folders)
    assert found.scores["object_f1"] == pytest.approx(2 * 4 / (2 * 4 + 2))  # four found; in the second two are none
    assert found.cases[0].scores["aji"] == 1
    assert found.cases[1].scores["aji"] == pytest.approx(20 / (PARTS > 0).sum())
    assert "Object F1" in {row[0] for row in found.rows()}


def test_each_number_is_an_instance_where_it_is_said(tmp_path):
    for part, pixels in (("images", PARTS), ("masks", PARTS)):
        (tmp_path / part).mkdir()
        Image.fromarray(pixels).save(tmp_path / part / "x.png")
    merged = create_dataset("folder", tmp_path, mask_values="binary")
    assert not has_instances(merged)
    assert "pq" not in evaluate_masks(lambda image: torch.zeros(12, 16).long(), merged).scores
    apart = create_dataset("folder", tmp_path, mask_values="instances")
    np.testing.assert_array_equal(apart[0].read_mask(), PARTS > 0)
    numbers = read_instances(apart[0])
    assert sorted(np.unique(numbers)) == [0, 1, 2, 3]
    for number in (9, 4, 200):
        assert len(np.unique(numbers[number == PARTS])) == 1
    assert apart[0].coding.to_dict() == {"kind": "instances", "plane": "grey", "label": 1}
    parts = ndimage.label(PARTS, np.ones((3, 3)))[1]
    found = evaluate_masks(lambda image: torch.from_numpy((PARTS > 0).astype(np.int64)), apart)
    assert (parts, found.scores["pq"]) == (3, 1)
