"""Windows of pictures larger than what a model sees: drawn at random to learn from, or all of them to be scored."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from edgewise.vision.data.coding import VOID


@dataclass(frozen=True)
class Windows(ABC):
    """A way to cut windows out of pictures and their masks; pictures smaller than a window stay whole along that side.

    Attributes:
        size: Height and width of a window, in pixels.
    """

    size: tuple[int, int]

    @abstractmethod
    def count(self, shape: tuple[int, int]) -> int:
        """How many windows a picture of this height and width gives in an epoch."""

    @abstractmethod
    def cut(self, image: Tensor, mask: Tensor, number: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """One window.

        Args:
            image: Picture ``(C, H, W)``.
            mask: Classes of its pixels ``(1, H, W)``.
            number: Which window, from 0 to :meth:`count`.
            rng: What is random is drawn from here.

        Returns:
            Copies of the window of both, ``(C, h, w)`` and ``(1, h, w)``.
        """

    def _taken(self, image: Tensor, mask: Tensor, top: int, left: int) -> tuple[Tensor, Tensor]:
        rows, columns = slice(top, top + self.size[0]), slice(left, left + self.size[1])
        return image[:, rows, columns].clone(), mask[:, rows, columns].clone()


@dataclass(frozen=True)
class RandomWindows(Windows):
    """As many windows a picture as cover its area, each at a place of its own; all places are equally likely.

    Example:
        >>> RandomWindows((100, 100)).count((150, 200)), RandomWindows((100, 100)).count((60, 70))
        (3, 1)
    """

    def count(self, shape: tuple[int, int]) -> int:
        return max(1, math.ceil(shape[0] * shape[1] / (self.size[0] * self.size[1])))

    def cut(self, image: Tensor, mask: Tensor, number: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        top, left = (
            int(rng.integers(max(side - want, 0) + 1)) for side, want in zip(mask.shape[1:], self.size, strict=True)
        )
        return self._taken(image, mask, top, left)


@dataclass(frozen=True)
class EachWindow(Windows):
    """The windows that cover a picture, row by row; the last ones end at its edges.

    Where windows overlap, the pixels are void in all masks but the first, so that each pixel is scored once.

    Example:
        >>> EachWindow((100, 100)).count((150, 200)), EachWindow((100, 100)).count((60, 70))
        (4, 1)
    """

    def count(self, shape: tuple[int, int]) -> int:
        return math.prod(len(self._starts(side, want)) for side, want in zip(shape, self.size, strict=True))

    def cut(self, image: Tensor, mask: Tensor, number: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        rows, columns = (self._starts(side, want) for side, want in zip(mask.shape[1:], self.size, strict=True))
        row, column = divmod(number, len(columns))
        picture, truth = self._taken(image, mask, rows[row], columns[column])
        truth[:, : row * self.size[0] - rows[row]] = VOID
        truth[:, :, : column * self.size[1] - columns[column]] = VOID
        return picture, truth

    def _starts(self, side: int, want: int) -> list[int]:
        """Where windows of this length begin along a side."""
        return [min(start, max(side - want, 0)) for start in range(0, side, want)]
