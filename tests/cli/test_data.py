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


def test_what_is_said_of_no_dataset_is_an_error(capsys):
    assert main(["data", "--split-seed", "5"]) == 1
    assert "are of a dataset and none is named: name one" in capsys.readouterr().err


def test_an_unknown_dataset_is_an_error_that_names_the_nearest(capsys):
    assert main(["data", "nucle"]) == 1
    assert "edgewise: error: unknown dataset 'nucle'; did you mean 'nuclei'?" in capsys.readouterr().err


def test_a_missing_folder_is_an_error_that_names_it(capsys):
    assert main(["data", "busi", "--root", "/nowhere"]) == 1
    assert "/nowhere" in capsys.readouterr().err


def test_how_masks_are_read_and_the_pixels_of_each_class_are_shown(root, capsys):
    labels = np.zeros((16, 16), np.uint8)
    labels[:8, :8], labels[12:], labels[:, 15] = 1, 2, 255
    Image.fromarray(labels).save(root / "masks" / "p3.png")
    options = '{"mask_values": "labels", "void": 255, "groups": "(p.)"}'
    for index in set(range(10)) - {3}:
        Image.fromarray((labels == 1).astype(np.uint8)).save(root / "masks" / f"p{index}.png")
    assert main(["data", "folder", "--root", str(root), "--options", options]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "masks labels: grey is the class, 255 is void" in text
    assert "1: 640 pixels in 10 masks, most in p0" in text
    assert f"2: {(labels == 2).sum()} pixels in 1 masks, most in p3" in text
    assert f"void: {(labels == 255).sum()} pixels in 1 masks, most in p3" in text
    assert "divided grouped, 10 groups" in text


def test_an_option_that_the_dataset_does_not_have_is_an_error(root, capsys):
    assert main(["data", "folder", "--root", str(root), "--options", '{"mask_value": "labels"}']) == 1
    assert "did you mean 'mask_values'?" in capsys.readouterr().err


def test_pictures_without_masks_are_described(root, capsys):
    assert main(["data", "pictures", "--root", str(root / "images")]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "pictures 10" in text
    assert "16 x 16 (10)" in text
    assert "masks none" in text
    assert "p0 = p1" in text
