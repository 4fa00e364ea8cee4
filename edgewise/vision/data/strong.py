"""The augmentation that vision transformers are trained with: random crops, colours, RandAugment, erasing."""

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.optional import require
from edgewise.vision.data.view import View


@dataclass(frozen=True)
class StrongView:
    """timm's augmentation before a view's normalisation, each picture's draws following from its seed alone.

    Order and meaning are those of timm (and so of DeiT): crop, mirror, RandAugment or else colour jitter, normalisation,
    erasing by noise.

    Attributes:
        view: Size, channels and normalisation.
        scale: Range of the area of a random crop, as a fraction of the picture; None: what the view sees, moved
            by up to ``pad`` of the size.
        ratio: Range of a crop's aspect ratio.
        flip: Mirror every other picture.
        jitter: Strength of random brightness, contrast and saturation; unused where ``policy`` is given.
        policy: RandAugment in timm's words, such as ``rand-m9-mstd0.5-inc1``.
        erase: Probability that a rectangle is replaced by noise.
    """

    view: View
    scale: tuple[float, float] | None = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: bool = True
    jitter: float = 0.0
    policy: str | None = None
    erase: float = 0.0
    pad: float = 0.125
    _pixels: Callable[[Any], Any] = field(init=False, repr=False, compare=False)
    _eraser: Callable[[Tensor], Tensor] = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "_pixels", self._pipeline())

    def __call__(self, pictures: Sequence[np.ndarray], seeds: np.ndarray) -> Tensor:
        """uint8 pictures ``(H, W, C)`` and a seed for each to float32 ``(B, channels, *size)``."""
        return torch.stack([self._draw(*each) for each in zip(pictures, seeds, strict=True)])

    def _draw(self, picture: np.ndarray, seed: int) -> Tensor:
        image = require("PIL.Image", extra="data").fromarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))
        with seeded(int(seed)):
            pixels = np.array(self._pixels(image))
            normal = self.view([pixels])[0]
            return self._eraser(normal) if self.erase else normal

    def _pipeline(self):
        """What happens to a picture of Pillow's."""
        transforms, timm = require("torchvision.transforms", extra="vision"), require("timm.data", extra="vision")
        size, steps = self.view.size, []
        if self.scale is not None:
            crop = timm.RandomResizedCropAndInterpolation
            steps.append(crop(size, scale=self.scale, ratio=self.ratio, interpolation="bicubic"))
        else:
            # As the view does: the shorter side fits and the centre is cut out, so that things keep their proportions.
            steps.append(partial(require("PIL.ImageOps", extra="data").fit, size=size[::-1]))
            steps.append(transforms.RandomCrop(size, padding=[round(self.pad * side) for side in reversed(size)]))
        if self.flip:
            steps.append(transforms.RandomHorizontalFlip())
        if self.policy:
            fill = {"translate_const": int(min(size) * 0.45), "img_mean": (124, 116, 104)}
            steps.append(timm.rand_augment_transform(self.policy, fill))
        elif self.jitter:
            steps.append(transforms.ColorJitter(self.jitter, self.jitter, self.jitter))
        if self.erase:
            eraser = require("timm.data.random_erasing", extra="vision").RandomErasing
            object.__setattr__(self, "_eraser", eraser(self.erase, mode="pixel", device="cpu"))
        return transforms.Compose(steps)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Python's, numpy's and torch's draws on the CPU follow from a seed within, and go on as before after it."""
    before = random.getstate(), np.random.get_state()  # noqa: NPY002 (timm draws from it)
    with torch.random.fork_rng(devices=[]):
        try:
            random.seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002
            torch.manual_seed(seed)
            yield
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])  # noqa: NPY002
