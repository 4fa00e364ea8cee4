"""A predictor with what its run knows of files: how pictures are read, and how classes are shown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgewise._ground.errors import DataError
from edgewise.vision.data.reading import Levels
from edgewise.vision.segmentation.inference.drawn import Colour
from edgewise.vision.segmentation.inference.predicting import MaskPredictor


@dataclass(frozen=True)
class Opened:
    """What makes masks of files.

    Attributes:
        predictor: What makes masks of pictures.
        levels: Which intensities become 0 and 1.
        colours: Of each foreground class.
        classes: Names of the classes, the background's first; none where nobody said.
    """

    predictor: MaskPredictor
    levels: Levels
    colours: Sequence[Colour] = field(repr=False)
    classes: tuple[str, ...] = ()

    def read(self, path: Path) -> np.ndarray:
        """A picture (C, H, W) in [0, 1] as training saw it.

        Raises:
            DataError: The file is missing or broken, its numbers have no scale, or one is NaN.
        """
        image = self.levels.sample(path).read_image()
        if np.isnan(image).any():
            raise DataError(f"{path} has values that are NaN: replace them")
        return image
