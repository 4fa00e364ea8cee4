import numpy as np
import pytest
from PIL import Image

from edgewise.cli import main
from edgewise.vision.data import list_datasets


@pytest.fixture
def root(tmp_path):
    """Ten pictures with masks of a quarter of their pixels; the second is a copy of the first."""
    random = np.random.default_rng(0)
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    mask = np.zeros((16, 16), np.uint8)
    mask[:8, :8] = 255
    for index in range(10):
        pixels = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        if index == 1:
            pixels = np.asarray(Image.open(tmp_path / "images" / "p0.png"))
        Image.fromarray(pixels).save(tmp_path / "images" / f"p{index}.png")
        Image.fromarray(mask).save(tmp_path / "masks" / f"p{index}.png")
    return tmp_path


def test_without_a_name_every_dataset_is_listed_with_its_purpose(capsys):
    assert main(["data"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in lines[1:]]
    assert {"busi", "cvc", "folder", "glas", "nuclei"} < set(names)
    assert {"mnist", "fashion_mnist", "cifar10", "cifar100", "svhn", "stl10", "flowers102"} < set(names)
    assert names == list_datasets()
    assert all(len(line.split()) > 3 for line in lines[1:])


def test_a_dataset_is_described_and_its_duplicates_are_found(root, capsys):
    assert main(["data", "folder", "--root", str(root)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "samples 10" in text
    assert "16 x 16 (10)" in text
    assert "foreground 25.0% of a picture" in text
    assert "7 train, 1 validation, 2 test" in text
    assert "same picture twice p0 = p1 (distance" in text


def test_an_unknown_dataset_is_an_error_that_names_the_nearest(capsys):
    assert main(["data", "nucle"]) == 1
    assert "edgewise: error: unknown dataset 'nucle'; did you mean 'nuclei'?" in capsys.readouterr().err


def test_a_missing_folder_is_an_error_that_names_it(capsys):
    assert main(["data", "busi", "--root", "/nowhere"]) == 1
    assert "/nowhere" in capsys.readouterr().err
