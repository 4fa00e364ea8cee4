"""What stands between a scan and a network: the axes of the body, one spacing, and one normalisation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from edgewise._ground.optional import require
from edgewise.vision.data.preprocess import GREY
from edgewise.vision.volumes.volume import Volume


@dataclass(frozen=True)
class VolumePreprocess:
    """Scans in [0, 1] to a network's input, the same in training, evaluation and prediction.

    Axes are turned to those of the body (:meth:`Volume.turned`), voxels resampled to one spacing, trilinear and smoothed
    before where they become larger, and numbers normalised, ``(x - 0.5) / 0.25``.

    Attributes:
        spacing: Millimetres from voxel to voxel along D, H and W of what a network sees.

    Example:
        >>> scan = Volume(np.zeros((1, 10, 40, 40), np.float32), np.diag([1.0, 1.0, 5.0, 1.0]))
        >>> VolumePreprocess((2.5, 2.0, 2.0)).image(scan).shape
        torch.Size([1, 20, 20, 20])
    """

    spacing: tuple[float, float, float]

    def image(self, volume: Volume) -> Tensor:
        """A scan as a network sees it, float32 ``(C, d, h, w)``."""
        turned = volume.turned()
        size, mean, deviation = self._size(turned), GREY[0][0], GREY[1][0]
        array = torch.from_numpy(turned.array)
        if size != tuple(array.shape[1:]):
            transforms = require("monai.transforms", extra="training")
            array = transforms.Resize(size, mode="trilinear", anti_aliasing=True)(array).as_tensor()
        return (array.float() - mean) / deviation

    def mask(self, labels: np.ndarray, volume: Volume) -> Tensor:
        """The classes of a scan's voxels ``(D, H, W)`` at the nearest voxels of that, uint8 ``(1, d, h, w)``."""
        turned = Volume(labels[None], volume.affine).turned()
        array = torch.from_numpy(turned.array)
        return F.interpolate(array[None], self._size(turned), mode="nearest-exact")[0]

    def restore(self, logits: Tensor, volume: Volume) -> Tensor:
        """Logits ``(classes, d, h, w)`` at a scan's own voxels, ``(classes, D, H, W)``; trilinear."""
        shape = Volume(volume.array[:1], volume.affine).turned().array.shape[1:]
        if shape != tuple(logits.shape[1:]):
            logits = F.interpolate(logits[None], shape, mode="trilinear")[0]
        return torch.from_numpy(volume.turned_back(logits.numpy()))

    def _size(self, turned: Volume) -> tuple[int, ...]:
        sides = zip(turned.array.shape[1:], turned.spacing, self.spacing, strict=True)
        return tuple(max(1, round(side * own / wanted)) for side, own, wanted in sides)


def median_spacing(spacings: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """The median along each axis.

    Example:
        >>> median_spacing([(5.0, 1.0, 1.0), (3.0, 0.8, 0.8), (3.0, 0.5, 0.5)])
        (3.0, 0.8, 0.8)
    """
    depth, height, width = np.median(np.array(spacings, float), axis=0).tolist()
    return depth, height, width
