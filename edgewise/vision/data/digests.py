"""Digests by which pictures are known again: of all that is known of one, and of its pixels alone."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from edgewise._ground.errors import DataError
from edgewise.vision.data.classification import ClassificationSet
from edgewise.vision.data.dataset import SegmentationSet
from edgewise.vision.data.pictures import FilePictures

READERS = 8
Each = TypeVar("Each")


def names_of(dataset: SegmentationSet | ClassificationSet) -> Iterator[str]:
    """The ids; of pictures with classes some may be the same, and get a number."""
    if isinstance(dataset, SegmentationSet):
        yield from dataset.ids
        return
    often: dict[str, int] = {}
    for number in range(len(dataset)):
        name = dataset.id(number)
        often[name] = often.get(name, 0) + 1
        yield name if often[name] == 1 else f"{name} ({often[name]})"


def digests_of(dataset: SegmentationSet | ClassificationSet) -> dict[str, str]:
    """A digest of each picture, with its masks or its class, by its id: of the bytes of files, of pixels in memory.

    Raises:
        DataError: A file cannot be read.
    """
    if isinstance(dataset, SegmentationSet):
        files = _of_files({path for sample in dataset for path in sample.files})
        parts = ([*(files[path] for path in s.files), str(s.page)] for s in dataset)
    else:
        classes = (dataset.classes[label] for label in dataset.labels.tolist())
        parts = ([digest, name] for digest, name in zip(_of_pictures(dataset), classes, strict=True))
    return {id: _hash("\0".join(part).encode()) for id, part in zip(names_of(dataset), parts, strict=True)}


def pixel_digests_of(dataset: SegmentationSet | ClassificationSet) -> dict[str, str]:
    """A digest of the pixels of each picture, by its id, whatever its masks or its class, and whatever it is kept in.

    Grey saved as colour is the same as grey, and 0 and 1 of one bit are 0 and 255.

    Raises:
        DataError: A picture cannot be read.
    """
    if isinstance(dataset, SegmentationSet):
        samples = dataset.samples
        found = _in_parallel(lambda sample: of_pixels(sample.pixels()), samples, alone=dataset.space == 3)
    else:
        pictures = dataset.pictures
        in_memory = not isinstance(pictures, FilePictures)
        found = _in_parallel(lambda number: of_pixels(pictures[number]), range(len(pictures)), alone=in_memory)
    return dict(zip(names_of(dataset), found, strict=True))


def of_pixels(pixels: np.ndarray) -> str:
    """The digest of pixels (H, W) or (H, W, C).

    Example:
        >>> grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
        >>> of_pixels(grey) == of_pixels(np.stack([grey] * 3, axis=2)), of_pixels(grey) == of_pixels(grey.T)
        (True, False)
    """
    pixels = pixels * np.uint8(255) if pixels.dtype == bool else pixels
    if pixels.ndim == 3 and all(np.array_equal(pixels[..., 0], pixels[..., c]) for c in range(1, pixels.shape[2])):
        pixels = pixels[..., 0]
    return _of_array(pixels)


def _of_pictures(dataset: ClassificationSet) -> Iterable[str]:
    pictures = dataset.pictures
    if isinstance(pictures, FilePictures):
        files = _of_files(set(pictures.paths))
        return [files[path] for path in pictures.paths]
    return (_of_array(pictures[number]) for number in range(len(pictures)))


def _of_array(pixels: np.ndarray) -> str:
    return _hash(f"{pixels.shape}".encode(), np.ascontiguousarray(pixels).data)


def _of_files(paths: set[Path]) -> dict[Path, str]:
    order = sorted(paths)
    return dict(zip(order, _in_parallel(_of_file, order), strict=True))


def _of_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, _new).hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); bring it back") from error


def _in_parallel(digest: Callable[[Each], str], items: Iterable[Each], alone: bool = False) -> list[str]:
    """The digests, by several threads; by one where an item fills much memory, or is in memory already."""
    if alone:
        return list(map(digest, items))
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(digest, items))


def _hash(*parts: bytes | memoryview) -> str:
    digest = _new()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _new() -> Any:
    return hashlib.blake2b(digest_size=8)
