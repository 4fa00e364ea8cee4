"""What stands between a picture on disk and a model: size, channels, and one normalisation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from edgewise._ground.errors import ConfigError

LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601
COLOUR = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # the ImageNet statistics that U-KAN normalises with
GREY = (0.5,), (0.25,)


@dataclass(frozen=True)
class Preprocess:
    """Pictures in [0, 1] to a model's input, the same in training, evaluation and prediction.

    Normalisation happens once, ``(x - mean) / std`` per channel. (The released U-KAN code divides by 255 a second time
    after it.) By default mean and std are ImageNet's for three channels, 0.5 and 0.25 for any other number.

    Attributes:
        size: Height and width of what a model sees, in pixels.
        channels: Its channels; grey is repeated, colour becomes grey by luminance (ITU-R BT.601).
        mean: One number per channel, or None.
        std: One number per channel, or None.
    """

    size: tuple[int, int]
    channels: int = 3
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None

    def __post_init__(self):
        if len(self.size) != 2 or min(self.size) < 1:
            raise ConfigError(f"size={self.size} must be a height and a width of at least 1 pixel")
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
        """A picture ``(C, H, W)`` in [0, 1] resized, converted and normalised: float32 ``(channels, *size)``."""
        return self.normalise(self.resize_image(image))

    def mask(self, mask: np.ndarray | Tensor) -> Tensor:
        """A mask ``(H, W)`` resized to its nearest pixels: float32 ``(1, *size)`` of the same classes."""
        mask = torch.as_tensor(mask, dtype=torch.float32)[None]
        return F.interpolate(mask[None], self.size, mode="nearest-exact")[0]

    def resize_image(self, image: np.ndarray | Tensor) -> Tensor:
        """Bilinear with antialiasing; the identity where the size is right already."""
        image = torch.as_tensor(image, dtype=torch.float32)
        if tuple(image.shape[1:]) == tuple(self.size):
            return image
        return F.interpolate(image[None], self.size, mode="bilinear", antialias=True)[0]

    def normalise(self, image: Tensor) -> Tensor:
        """A picture of the right size to the right channels, then ``(x - mean) / std``."""
        mean, std = (torch.tensor(numbers)[:, None, None] for numbers in self.normalisation)
        return (self._convert(image) - mean) / std

    def _convert(self, image: Tensor) -> Tensor:
        have = image.shape[0]
        if have == self.channels:
            return image
        if have == 1:
            return image.expand(self.channels, -1, -1)
        if have == 3 and self.channels == 1:
            return torch.einsum("c,chw->hw", torch.tensor(LUMINANCE), image)[None]
        raise ConfigError(f"channels={self.channels} cannot be made from a picture of {have}; choose {have} or 1")
