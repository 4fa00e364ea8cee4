"""The pictures that a report links to: each case with the outlines of its truth and of what a network made of it."""

import io
import re
from pathlib import Path
from urllib.parse import quote

import numpy as np

from edgewise._ground.folders import make_folder
from edgewise._ground.optional import require
from edgewise.io import atomic_write
from edgewise.vision.data import Sample
from edgewise.vision.segmentation.figures import PREDICTION, TRUTH
from edgewise.vision.segmentation.inference.drawn import Colour, overlay

SMALL, LARGE = 256, 1024
"""Pictures below the first are shown larger, those above the second smaller."""


class CasePictures:
    """A folder beside a report with a picture of every case, filled as the cases are scored.

    Args:
        page: The report's file; the folder has its name with ``_files``.
        method: Number of the network, for those that a report sets side by side.
        classes: Foreground classes.
    """

    def __init__(self, page: Path, method: int, classes: int):
        self.page = page
        self.folder = make_folder(page.with_name(f"{page.stem}_files") / str(method))
        self.classes = classes
        self.paths: dict[str, Path] = {}
        for old in self.folder.glob("*.jpg"):  # of an earlier report, which may have had other cases
            old.unlink()

    def draw(self, sample: Sample, image: np.ndarray, truth: np.ndarray, labels: np.ndarray) -> None:
        """Write the picture of a case.

        Raises:
            CheckpointError: The file cannot be written.
        """
        name = re.sub(r"[^\w.-]+", "_", sample.id)[:80]
        path = self.folder / f"{len(self.paths):04d}-{name}.jpg"
        buffer = io.BytesIO()
        require("PIL.Image", extra="data").fromarray(both(image, truth, labels, self.classes)).save(
            buffer, "jpeg", quality=90
        )
        atomic_write(path, buffer.getvalue())
        self.paths[sample.id] = path

    def link(self, id: str) -> str:
        """The address of the picture of a case, as seen from the page."""
        return quote(self.paths[id].relative_to(self.page.parent).as_posix())


def both(image: np.ndarray, truth: np.ndarray, labels: np.ndarray, classes: int = 1) -> np.ndarray:
    """A picture (C, H, W) in [0, 1] with the outlines of its truth in teal and of a prediction in orange, as RGB bytes.

    Args:
        image: The picture; small ones are enlarged, large ones reduced, by whole numbers.
        truth: Class of each pixel (H, W).
        labels: Class of each pixel, predicted.
        classes: Foreground classes.
    """
    side = max(truth.shape)
    image, truth, labels = (_scaled(part, side) for part in (image, truth, labels))
    drawn = overlay(image, truth, [_colour(TRUTH)] * classes)
    return overlay(drawn.transpose(2, 0, 1) / np.float32(255), labels, [_colour(PREDICTION)] * classes)


def _colour(text: str) -> Colour:
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def _scaled(pixels: np.ndarray, side: int) -> np.ndarray:
    """The same with every pixel several times, or with only every so many; ``side`` is the longer one of the picture."""
    if side > LARGE:
        step = -(-side // LARGE)
        return pixels[..., ::step, ::step]
    times = max(1, SMALL // side)
    return pixels.repeat(times, -1).repeat(times, -2)
