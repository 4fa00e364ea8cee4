"""What a classifier sees of a picture: resized, cropped, normalised; and, in training, moved and mirrored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from edgewise._ground.errors import ConfigError
from edgewise.vision.data.preprocess import COLOUR, GREY, LUMINANCE


@dataclass(frozen=True)
class View:
    """Pictures to the input of a classifier, the same in training, evaluation and prediction.

    The shorter side (relative to ``size``) is resized to ``size / crop``, bicubic with antialiasing, and the centre is cut
    out. Grey is repeated, colour becomes grey by luminance (ITU-R BT.601).

    Attributes:
        size: Height and width in pixels.
        channels: 1 or 3.
        crop: Fraction of the resized picture that the centre crop keeps, of each side; 1 keeps all.
        normalise: ``half`` to [-1, 1], ``imagenet`` by ImageNet's mean and deviation of each channel (0.5 and 0.25 where
            there is one).

    Example:
        >>> View((8, 8), channels=1)([np.zeros((16, 12, 3), np.uint8), np.zeros((9, 9, 1), np.uint8)]).shape
        torch.Size([2, 1, 8, 8])
    """

    size: tuple[int, int]
    channels: int = 3
    crop: float = 1.0
    normalise: Literal["half", "imagenet"] = "half"

    def __post_init__(self):
        if self.channels not in (1, 3):
            raise ConfigError(f"channels={self.channels} cannot be made from pictures: choose 1 (grey) or 3 (colour)")

    def __call__(self, pictures: Sequence[np.ndarray], seeds: np.ndarray | None = None) -> Tensor:
        """uint8 pictures ``(H, W, C)`` to float32 ``(B, channels, *size)``; ``seeds`` is for views that draw."""
        return self.normalised(self.framed(pictures))

    def framed(self, pictures: Sequence[np.ndarray]) -> Tensor:
        """The pictures at their size and channels, in [0, 1]."""
        if len({picture.shape for picture in pictures}) == 1:
            return self._frame(np.stack(pictures))
        return torch.cat([self._frame(picture[None]) for picture in pictures])

    @property
    def normalisation(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and deviation of each channel."""
        if self.normalise == "half":
            return (0.5,) * self.channels, (0.5,) * self.channels
        return COLOUR if self.channels == 3 else GREY

    def normalised(self, pictures: Tensor) -> Tensor:
        """``(x - mean) / deviation``."""
        if self.normalise == "half":
            return pictures * 2 - 1
        mean, deviation = self.normalisation
        return (pictures - torch.tensor(mean)[:, None, None]) / torch.tensor(deviation)[:, None, None]

    def _frame(self, pixels: np.ndarray) -> Tensor:
        pictures = self._convert(torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous())
        if tuple(pictures.shape[2:]) == tuple(self.size) and self.crop == 1:
            return pictures.float() / 255
        (height, width), (rows, columns) = self.size, pictures.shape[2:]
        scale = max(height / rows, width / columns) / self.crop
        resized = (max(height, round(rows * scale)), max(width, round(columns * scale)))
        pictures = F.interpolate(pictures.float() / 255, resized, mode="bicubic", antialias=True).clamp(0, 1)
        top, left = (resized[0] - height) // 2, (resized[1] - width) // 2
        return pictures[..., top : top + height, left : left + width]

    def _convert(self, pictures: Tensor) -> Tensor:
        have = pictures.shape[1]
        if have == self.channels:
            return pictures
        if have == 1:
            return pictures.expand(-1, 3, -1, -1)
        weights = torch.tensor(LUMINANCE)
        return torch.einsum("c,nchw->nhw", weights, pictures.float())[:, None].round().to(torch.uint8)


@dataclass(frozen=True)
class MovedView:
    """A view whose pictures are padded by zeros, cut out again at a random place, and mirrored at random.

    Attributes:
        view: What pictures go through.
        padding: Pixels that a picture is moved by at most, up, down and sideways.
        flip: Mirror every other picture.
    """

    view: View
    padding: int = 4
    flip: bool = True

    def __call__(self, pictures: Sequence[np.ndarray], seeds: np.ndarray) -> Tensor:
        """As :class:`View`; each picture's draw is read off its seed alone."""
        framed, reach = self.view.framed(pictures), 2 * self.padding + 1
        down, right, mirror = (torch.from_numpy((seeds >> bits).astype(np.int64) & 0xFFFF) for bits in (0, 16, 32))
        height, width = self.view.size
        padded = F.pad(framed, [self.padding] * 4)
        rows = torch.arange(height) + (down % reach)[:, None]
        columns = torch.arange(width) + (right % reach)[:, None]
        if self.flip:
            columns = torch.where((mirror % 2 == 1)[:, None], columns.flip(1), columns)
        batch = torch.arange(len(framed))[:, None, None]
        moved = padded.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None, :]]
        return self.view.normalised(moved.permute(0, 3, 1, 2).contiguous())
