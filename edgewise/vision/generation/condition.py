"""Masks for which pictures are made: channels beside the noisy picture."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data.coding import VOID
from edgewise.vision.data.pixels import picture_files
from edgewise.vision.data.sample import Sample
from edgewise.vision.data.stating import coding_from
from edgewise.vision.generation.recipe import PictureData


def cut(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What is seen of a picture or a mask (..., H, W): the largest part around its centre that has the aspect of a size.

    Example:
        >>> cut(np.zeros((40, 60)), (32, 32)).shape
        (40, 40)
    """
    (height, width), (rows, columns) = size, array.shape[-2:]
    scale = min(rows / height, columns / width)
    inner_rows, inner_columns = round(height * scale), round(width * scale)
    top, left = (rows - inner_rows) // 2, (columns - inner_columns) // 2
    return array[..., top : top + inner_rows, left : left + inner_columns]


def condition_of(labels: np.ndarray, data: PictureData) -> Tensor:
    """The channels of a mask: for each foreground class 1 where it is and -1 elsewhere, float32 (classes, *data.size).

    Args:
        labels: The class of each pixel (H, W); what is void counts as background.
        data: The classes and the size.

    Example:
        >>> condition_of(np.array([[0, 1], [0, 1]]), PictureData(size=(2, 4), classes=1)).tolist()
        [[[-1.0, -1.0, 1.0, 1.0], [-1.0, -1.0, 1.0, 1.0]]]
    """
    seen = torch.from_numpy(cut(labels, data.size).astype(np.float32))[None, None]
    small = F.interpolate(seen, data.size, mode="nearest-exact")[0]
    classes = torch.arange(1, data.mask_channels + 1)[:, None, None]
    return torch.where(small == classes, 1.0, -1.0)


def find_noise(network: nn.Module, noisy: Tensor, steps: Tensor, condition: Tensor | None = None) -> Tensor:
    """The noise that a network finds in pictures (N, C, H, W) at steps (N,), beside their masks where it was trained so.

    The network sees the channels of the mask as it sees those of the picture; what it says of them is left out.

    Args:
        network: Finds noise.
        noisy: The pictures.
        steps: Of each.
        condition: The channels of their masks (N, classes, H, W); None: there are none.
    """
    if condition is None:
        return network(noisy, steps)
    return network(torch.cat([noisy, condition], 1), steps)[:, : noisy.shape[1]]


def read_conditions(paths: Iterable[str | Path], data: PictureData, facts: Mapping[str, Any]) -> dict[str, Tensor]:
    """The channels of masks in files, by the stem of each.

    Args:
        paths: Files, and folders of them.
        data: What the run was trained on.
        facts: What it noted, the rule for its masks among it.

    Raises:
        ConfigError: Two files have one stem.
        DataError: A file is no mask by the run's rule, or holds a class beyond the run's.
    """
    coding = coding_from(facts["masks"]) if facts["masks"] else None
    found: dict[str, Tensor] = {}
    for path in picture_files(paths):
        labels = Sample(path.stem, path, masks=(path,), coding=coding).read_classes()
        last = int(labels[labels != VOID].max(initial=0))
        if last > data.mask_channels:
            raise DataError(f"{path} holds class {last} and the run knows {data.classes}: give masks of its classes")
        if path.stem in found:
            raise ConfigError(f"two masks are called {path.stem!r}, and pictures are named after them: rename {path}")
        found[path.stem] = condition_of(labels, data)
    return found
