"""Where the pictures of a classification dataset come from: an array in memory, or files on disk."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from edgewise._ground.errors import DataError
from edgewise.vision.data.pixels import read_pixels
from edgewise.vision.data.sample import FOURTEEN_BITS


class Pictures(Protocol):
    """Pictures by index, each uint8 ``(H, W, C)``."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> np.ndarray: ...

    def name(self, index: int) -> str:
        """A name to tell a picture by."""
        ...

    def take(self, indices: np.ndarray) -> "Pictures":
        """The pictures of these indices."""
        ...


@dataclass(frozen=True, eq=False)
class ArrayPictures:
    """Pictures of one size in memory.

    Attributes:
        pixels: uint8 ``(N, H, W)`` or ``(N, H, W, C)``.
        numbers: What to call each picture; their order by default.

    Example:
        >>> pictures = ArrayPictures(np.zeros((5, 4, 6), np.uint8)).take(np.array([3, 1]))
        >>> len(pictures), pictures[0].shape, pictures.name(0)
        (2, (4, 6, 1), '3')
    """

    pixels: np.ndarray = field(repr=False)
    numbers: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self):
        if self.pixels.dtype != np.uint8 or self.pixels.ndim not in (3, 4):
            raise DataError(
                f"pictures must be uint8 (N, H, W) or (N, H, W, C), got {self.pixels.dtype} of shape {self.pixels.shape}"
            )
        if self.pixels.ndim == 3:
            object.__setattr__(self, "pixels", self.pixels[..., None])

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.pixels[index]

    def name(self, index: int) -> str:
        """The picture's number in the dataset it came from."""
        return str(index if self.numbers is None else self.numbers[index])

    def take(self, indices: np.ndarray) -> "ArrayPictures":
        """The pictures of these indices, which keep their numbers."""
        numbers = np.arange(len(self)) if self.numbers is None else self.numbers
        return ArrayPictures(self.pixels[indices], numbers[indices])


@dataclass(frozen=True, eq=False)
class FilePictures:
    """Pictures of any size in files, decoded when asked for.

    Attributes:
        paths: The files.
        root: The folder that names are relative to.
    """

    paths: Sequence[Path] = field(repr=False)
    root: Path

    def __post_init__(self):
        for path in self.paths:
            if not path.is_file() or not path.stat().st_size:
                raise DataError(f"{path} is empty or no file; fetch it again or remove it")

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        return read_bytes(self.paths[index])

    def name(self, index: int) -> str:
        """The file's path below the root."""
        return self.paths[index].relative_to(self.root).as_posix()

    def take(self, indices: np.ndarray) -> "FilePictures":
        """The pictures of these indices."""
        return FilePictures([self.paths[index] for index in indices], self.root)


def read_bytes(path: Path) -> np.ndarray:
    """A picture file as uint8 ``(H, W, C)``, 1 or 3 channels; 16 bits become 8.

    Raises:
        DataError: The file is missing or broken, or its numbers have no scale of their own.
    """
    pixels = np.atleast_3d(read_pixels(Path(path)))
    if pixels.dtype == np.uint16:
        if 0 < pixels.max() <= FOURTEEN_BITS:
            raise DataError(f"{path} has 16 bits with values up to {pixels.max()}, so its scale is unknown; save it with 8")
        pixels = np.rint(pixels / 257)
    elif pixels.dtype == bool:
        pixels = pixels * 255
    elif pixels.dtype != np.uint8:
        raise DataError(f"{path} holds {pixels.dtype} numbers, which have no scale of their own; save it with 8 or 16 bits")
    return pixels.astype(np.uint8)
