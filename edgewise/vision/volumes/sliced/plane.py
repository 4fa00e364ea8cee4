"""Slices of a scan along a plane of the body, as pictures with square pixels, and the way back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from edgewise.vision.volumes.volume import Volume

PlaneName = Literal["axial", "coronal", "sagittal"]
AXES: dict[str, int] = {"axial": 0, "coronal": 1, "sagittal": 2}
"""The axis that each is across, of a scan that lies as the body does, ``(D, H, W)``."""


@dataclass(frozen=True)
class Plane:
    """Which slices of a scan are seen.

    Attributes:
        name: Across the body, from ear to ear, or from front to back.
        pixel: Millimetres of a pixel; None: the finer of the two spacings of a slice.

    Example:
        >>> scan = Volume(np.zeros((1, 10, 40, 30), np.float32), np.diag([-1.0, -1.0, 4.0, 1.0]))
        >>> Plane("axial").pictures(scan).shape, Plane("coronal").pictures(scan).shape
        (torch.Size([10, 1, 40, 30]), torch.Size([40, 1, 40, 30]))
    """

    name: PlaneName = "axial"
    pixel: float | None = None

    @property
    def axis(self) -> int:
        """The axis that it is across."""
        return AXES[self.name]

    def pictures(self, volume: Volume) -> Tensor:
        """All slices of a scan, ``(slices, C, h, w)``; bilinear, and smoothed before where pixels become larger."""
        turned = volume.turned()
        stack = torch.from_numpy(turned.array).movedim(1 + self.axis, 0)
        size = self._size(turned)
        if size == tuple(stack.shape[2:]):
            return stack
        return F.interpolate(stack, size, mode="bilinear", antialias=True)

    def masks(self, labels: np.ndarray, volume: Volume) -> Tensor:
        """The classes of a scan's voxels ``(D, H, W)`` at the nearest pixels of its slices, ``(slices, h, w)``."""
        turned = Volume(labels[None], volume.affine).turned()
        stack = torch.from_numpy(turned.array).movedim(1 + self.axis, 0)
        return F.interpolate(stack, self._size(turned), mode="nearest-exact")[:, 0]

    def restore(self, found: Sequence[Tensor], volume: Volume) -> Tensor:
        """What was made of each slice ``(classes, h, w)``, at the scan's own voxels, ``(classes, D, H, W)``; bilinear."""
        turned = Volume(volume.array[:1], volume.affine).turned()
        size = [side for axis, side in enumerate(turned.array.shape[1:]) if axis != self.axis]
        stack = torch.stack(list(found))
        if size != list(stack.shape[2:]):
            stack = F.interpolate(stack, size, mode="bilinear")
        return torch.from_numpy(volume.turned_back(stack.movedim(0, 1 + self.axis).numpy()))

    def _size(self, turned: Volume) -> tuple[int, ...]:
        sides = [
            pair for axis, pair in enumerate(zip(turned.array.shape[1:], turned.spacing, strict=True)) if axis != self.axis
        ]
        pixel = self.pixel or min(step for _, step in sides)
        return tuple(max(1, round(side * step / pixel)) for side, step in sides)
