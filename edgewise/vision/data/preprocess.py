"""What stands between a picture on disk and a model: size, channels, and one normalisation; and the way back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from edgewise._ground.errors import ConfigError, DataError
from edgewise._ground.registry import unknown
from edgewise.vision.data.coding import VOID

Fit = Literal["pad", "tiles", "stretch"]
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601
COLOUR = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # the ImageNet statistics that U-KAN normalises with
GREY = (0.5,), (0.25,)


@dataclass(frozen=True)
class Preprocess:
    """Pictures in [0, 1] to a model's input, the same in training, evaluation and prediction; and its logits back.

    Normalisation happens once, ``(x - mean) / std`` per channel. (The released U-KAN code divides by 255 a second time
    after it.) By default mean and std are ImageNet's for three channels, 0.5 and 0.25 for any other number.

    Attributes:
        size: Height and width of what a model sees, in pixels.
        channels: Its channels; grey is repeated, colour becomes grey by luminance (ITU-R BT.601).
        mean: One number per channel, or None.
        std: One number per channel, or None.
        fit: How a picture comes to ``size``. ``pad``: resized until it fits, its aspect kept, and centred between borders
            of the mean, which are void in the mask. ``stretch``: each side resized by itself, so shapes change.
            ``tiles``: not resized at all; a model sees windows of ``size``, and only what is smaller has borders.

    Example:
        >>> wide = Preprocess((4, 4), channels=1)
        >>> wide.mask(np.ones((2, 4)))[0].tolist()[0], wide.restore(torch.ones(1, 4, 4), (2, 4)).shape
        ([255.0, 255.0, 255.0, 255.0], torch.Size([1, 2, 4]))
    """

    size: tuple[int, int]
    channels: int = 3
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    fit: Fit = "pad"

    def __post_init__(self):
        if len(self.size) != 2 or min(self.size) < 1:
            raise ConfigError(f"size={self.size} must be a height and a width of at least 1 pixel")
        if self.fit not in get_args(Fit):
            raise unknown("fit", str(self.fit), get_args(Fit))
        for name in ("mean", "std"):
            values = getattr(self, name)
            if values is not None and len(values) != self.channels:
                raise ConfigError(f"{name}={values} has {len(values)} numbers for {self.channels} channels; give one each")

    @property
    def normalisation(self) -> tuple[Sequence[float], Sequence[float]]:
        """Mean and deviation, one number each per channel, or one for all."""
        mean, std = COLOUR if self.channels == 3 else GREY
        return self.mean or mean, self.std or std

    def image(self, image: np.ndarray | Tensor) -> Tensor:
        """A picture ``(C, H, W)`` in [0, 1] resized, converted, normalised and padded: float32 ``(channels, *size)``.

        With ``tiles`` it keeps its own size, and is padded to ``size`` where that is larger.
        """
        return self.pad(self.normalise(self.resize_image(image)))

    def mask(self, mask: np.ndarray | Tensor) -> Tensor:
        """A mask ``(H, W)`` at the size of its :meth:`image`: float32 ``(1, H, W)`` of the same classes, 255 in borders."""
        return self.pad(self.resize_mask(mask), VOID)

    def restore(self, logits: Tensor, shape: Sequence[int]) -> Tensor:
        """What a model made of :meth:`image`, without borders and resized bilinearly to the picture's own size.

        Args:
            logits: ``(..., H, W)`` at the size of the input.
            shape: Height and width of the picture.

        Raises:
            DataError: The logits have another size than the input.
        """
        inner = height, width = self._inner(shape)
        have, want = tuple(logits.shape[-2:]), self._outer(inner)
        if have != want:
            raise DataError(
                f"logits of {have[0]} x {have[1]} pixels are not of a picture of {shape[0]} x {shape[1]}, whose input has "
                f"{want[0]} x {want[1]}: give what a model made of it"
            )
        top, left = self._corner(inner)
        logits = logits[..., top : top + height, left : left + width]
        if inner == tuple(shape):
            return logits
        flat = logits.reshape(1, -1, height, width)
        return F.interpolate(flat, tuple(shape), mode="bilinear").reshape(*logits.shape[:-2], *shape)

    def resize_image(self, image: np.ndarray | Tensor) -> Tensor:
        """Bilinear with antialiasing, without borders; the identity where the size is right already."""
        image = torch.as_tensor(image, dtype=torch.float32)
        size = self._inner(image.shape[1:])
        if tuple(image.shape[1:]) == size:
            return image
        return F.interpolate(image[None], size, mode="bilinear", antialias=True)[0]

    def resize_mask(self, mask: np.ndarray | Tensor) -> Tensor:
        """A mask ``(H, W)`` at its nearest pixels, without borders: float32 ``(1, H, W)``."""
        mask = torch.as_tensor(mask, dtype=torch.float32)[None]
        return F.interpolate(mask[None], self._inner(mask.shape[1:]), mode="nearest-exact")[0]

    def pad(self, values: Tensor, fill: float = 0.0) -> Tensor:
        """Values ``(C, H, W)`` centred in borders of one number, up to ``size`` where that is larger."""
        shape = tuple(values.shape[1:])
        (top, left), (height, width) = self._corner(shape), self._outer(shape)
        if shape == (height, width):
            return values
        return F.pad(values, (left, width - shape[1] - left, top, height - shape[0] - top), value=fill)

    def _inner(self, shape: Sequence[int]) -> tuple[int, int]:
        """Height and width of a picture of this shape in the input, without borders."""
        rows, columns = shape
        if self.fit == "tiles":
            return rows, columns
        height, width = self.size
        if self.fit == "pad":
            scale = min(height / rows, width / columns)
            height, width = max(1, round(rows * scale)), max(1, round(columns * scale))
        return height, width

    def _outer(self, inner: Sequence[int]) -> tuple[int, int]:
        """Height and width with borders."""
        return max(inner[0], self.size[0]), max(inner[1], self.size[1])

    def _corner(self, inner: Sequence[int]) -> tuple[int, int]:
        """Rows above and columns to the left."""
        height, width = self._outer(inner)
        return (height - inner[0]) // 2, (width - inner[1]) // 2

    def normalise(self, image: Tensor) -> Tensor:
        """A picture to the right channels, then ``(x - mean) / std``."""
        mean, std = (torch.tensor(numbers)[:, None, None] for numbers in self.normalisation)
        return (self._convert(image) - mean).div_(std)  # in place, since a picture may be large

    def _convert(self, image: Tensor) -> Tensor:
        have = image.shape[0]
        if have == self.channels:
            return image
        if have == 1:
            return image.expand(self.channels, -1, -1)
        if have == 3 and self.channels == 1:
            return torch.einsum("c,chw->hw", torch.tensor(LUMINANCE), image)[None]
        raise ConfigError(f"channels={self.channels} cannot be made from a picture of {have}; choose {have} or 1")
