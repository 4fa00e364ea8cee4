"""Find the same picture twice, re-encoded or resized, by the correlation of small grey thumbnails."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch.nn import functional as F

from edgewise.vision.data.sample import Sample

THUMBNAIL = 32
THRESHOLD = 0.01


class Duplicate(NamedTuple):
    """Two samples that show one picture, and one minus the correlation of their thumbnails."""

    first: str
    second: str
    distance: float


class Samples(Protocol):
    """Samples in an order: a dataset, a list."""

    def __iter__(self) -> Iterator[Sample]: ...

    def __getitem__(self, index: int, /) -> Sample: ...


def find_duplicates(a: Samples, b: Samples | None = None, threshold: float = THRESHOLD) -> list[Duplicate]:
    """The pairs of samples, one of `a` and one of `b`, that show the same picture; nearest first.

    A picture's thumbnail is its 32 x 32 grey reduction, centred and divided by its norm; the distance of two
    pictures is ``1 - <s, t>``, one minus the correlation. One matrix product gives all of them.

    The threshold was chosen on the 647 pictures of BUSI at 256 x 256. JPEG of quality 30, half or twice the size, less
    light, or a gamma of 0.8 moves a picture by at most 0.004. Up to 0.01 there are 109 pairs; looked at one by one,
    each is a single frame saved again, with a slightly other crop or without its calipers, and ``benign_433`` and
    ``malignant_145`` are the same file: no false positive. The 65 pairs from 0.01 to 0.05 are recropped or neighbouring
    frames of one patient. GlaS has no pair up to 0.3. Not recognised: a crop by more than about 2 %, a turn, a flip.

    Args:
        a: Where the first picture of a pair comes from, such as a dataset.
        b: Where the second comes from; None: also `a`, each pair once.
        threshold: Largest distance that counts as the same picture.
    """
    first = thumbnails(a)
    distance = 1 - first @ (first if b is None else thumbnails(b)).T
    close = distance <= threshold
    if b is None:
        close = np.triu(close, k=1)
    rows, columns = (places.tolist() for places in np.nonzero(close))
    second = a if b is None else b
    found = [Duplicate(a[i].id, second[j].id, max(0.0, float(distance[i, j]))) for i, j in zip(rows, columns, strict=True)]
    return sorted(found, key=lambda pair: pair.distance)


def thumbnails(samples: Iterable[Sample]) -> np.ndarray:
    """One normalised thumbnail a row, float32 ``(samples, 1024)``; a picture of one grey gives zeros."""
    rows = [_thumbnail(sample.read_image()) for sample in samples]
    return np.stack(rows) if rows else np.zeros((0, THUMBNAIL**2), np.float32)


def _thumbnail(image: np.ndarray) -> np.ndarray:
    grey = torch.from_numpy(image).mean(0, keepdim=True)
    small = F.interpolate(grey[None], size=(THUMBNAIL, THUMBNAIL), mode="bilinear", antialias=True).flatten()
    centred = (small - small.mean()).numpy()
    norm = np.linalg.norm(centred)
    return centred / norm if norm > 1e-6 else np.zeros_like(centred)
