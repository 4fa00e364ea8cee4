"""SVHN, STL-10 and Flowers-102, as torchvision keeps them."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise.vision.data.cifar import read_with
from edgewise.vision.data.classification import TEST, TRAIN, VALIDATION, ClassificationSet
from edgewise.vision.data.dataset import DATASETS
from edgewise.vision.data.mnist import DIGITS
from edgewise.vision.data.pictures import ArrayPictures, FilePictures, Pictures


@DATASETS.register("svhn")
def svhn(root: str | Path | None = None, download: bool = False) -> ClassificationSet:
    """House numbers, one digit a picture: 73,257 for training and 26,032 for test, 32 x 32, colour.

    Args:
        root: Folder that holds ``train_32x32.mat`` and ``test_32x32.mat``.
        download: Let torchvision fetch them into ``root``.

    Raises:
        ConfigError: No root is given.
        DataError: Files are missing or damaged.
    """
    sides = _sides("svhn", "SVHN", root, download, ("train", "test"))
    pictures = ArrayPictures(np.concatenate([side.data.transpose(0, 2, 3, 1) for side in sides]))
    citation = "Netzer et al.: Reading digits in natural images with unsupervised feature learning. 2011 (not commercial)."
    return _join("svhn", pictures, [side.labels for side in sides], (TRAIN, TEST), DIGITS, citation)


@DATASETS.register("stl10")
def stl10(root: str | Path | None = None, download: bool = False) -> ClassificationSet:
    """Ten classes of things, 5,000 pictures for training and 8,000 for test, 96 x 96, colour.

    Args:
        root: Folder that holds ``stl10_binary``.
        download: Let torchvision fetch it into ``root``.

    Raises:
        ConfigError: No root is given.
        DataError: Files are missing or damaged.
    """
    sides = _sides("stl10", "STL10", root, download, ("train", "test"))
    pictures = ArrayPictures(np.concatenate([side.data.transpose(0, 2, 3, 1) for side in sides]))
    citation = "Coates, Lee, Ng: An analysis of single-layer networks in unsupervised feature learning. 2011."
    return _join("stl10", pictures, [side.labels for side in sides], (TRAIN, TEST), tuple(sides[0].classes), citation)


@DATASETS.register("flowers102")
def flowers102(root: str | Path | None = None, download: bool = False) -> ClassificationSet:
    """A hundred and two flowers of Britain: 1,020 photos for training, 1,020 for validation, 6,149 for test.

    Args:
        root: Folder that holds ``flowers-102``.
        download: Let torchvision fetch it into ``root``.

    Raises:
        ConfigError: No root is given.
        DataError: Files are missing or damaged.
    """
    root = _folder("flowers102", root)
    sides = _sides("flowers102", "Flowers102", root, download, ("train", "val", "test"))
    pictures = FilePictures([Path(path) for side in sides for path in side._image_files], root)
    classes = tuple(f"flower {number}" for number in range(1, 103))
    citation = "Nilsback, Zisserman: Automated flower classification over a large number of classes. 2008."
    numbers = [side._labels for side in sides]
    return _join("flowers102", pictures, numbers, (TRAIN, VALIDATION, TEST), classes, citation)


def _sides(name: str, kind: str, root: str | Path | None, download: bool, splits: Sequence[str]) -> list:
    folder = _folder(name, root)
    reader = getattr(require("torchvision.datasets", extra="vision"), kind)
    return [read_with(partial(reader, root=str(folder), split=split, download=download), name, folder) for split in splits]


def _folder(name: str, root: str | Path | None) -> Path:
    if root is None:
        raise ConfigError(f"dataset {name!r} needs its folder; give root=FOLDER")
    return Path(root)


def _join(
    name: str, pictures: Pictures, labels: list, sides: Sequence[int], classes: tuple[str, ...], citation: str
) -> ClassificationSet:
    counts = [len(numbers) for numbers in labels]
    return ClassificationSet(
        name,
        pictures,
        np.concatenate([np.asarray(numbers, np.int64) for numbers in labels]),
        classes,
        sides=np.repeat(np.array(sides, np.uint8), counts),
        citation=citation,
    )
