"""Slices of a scan with the outlines of what was found in it, as a picture."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

from edgewise.vision.segmentation.inference.drawn import Colour, overlay
from edgewise.vision.volumes.volume import Volume

SIDE = 512
"""Pixels that a side of a slice may have."""
GAP = 4
"""Pixels between slices."""


def draw_planes(volume: Volume, labels: np.ndarray, colours: Sequence[Colour]) -> np.ndarray:
    """Three slices side by side, as RGB bytes ``(H, W, 3)``: from above, from the front and from the side.

    Each is the one with most foreground, or the middle one where there is none. Pixels are square in millimetres; the
    left of the body is on the right of the first two, as radiologists see it, and the head is up.

    Args:
        volume: A scan in [0, 1].
        labels: The class of each voxel ``(D, H, W)``.
        colours: Of each foreground class.
    """
    turned = volume.turned()
    found = Volume(labels[None], volume.affine).turned().array[0]
    sides = [side * step for side, step in zip(found.shape, turned.spacing, strict=True)]
    pixel = max(min(turned.spacing), max(sides) / SIDE)
    drawn = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        counts = (found > 0).sum(others)
        at = int(counts.argmax()) if counts.any() else found.shape[axis] // 2
        picture, plane = turned.array.take(at, axis + 1), found.take(at, axis)
        if axis > 0:  # rows are slices, the lowest of which comes first
            picture, plane = picture[:, ::-1], plane[::-1]
        size = tuple(max(1, round(sides[other] / pixel)) for other in others)
        drawn.append(overlay(_resized(picture, size, "bilinear"), _resized(plane[None], size, "nearest-exact")[0], colours))
    height = max(len(part) for part in drawn)
    padded = [np.pad(part, ((0, height - len(part)), (0, GAP), (0, 0))) for part in drawn]
    return np.concatenate(padded, axis=1)[:, :-GAP]


def _resized(array: np.ndarray, size: tuple[int, ...], mode: str) -> np.ndarray:
    # shape: (C, h, w) -> (C, H, W)
    tensor = torch.from_numpy(np.ascontiguousarray(array, np.float32))[None]
    return F.interpolate(tensor, size, mode=mode)[0].numpy()
