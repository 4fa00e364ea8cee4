"""A predictor with what its run knows of files: how pictures are read, and how classes are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgewise._ground.errors import DataError
from edgewise.vision.data.legend import Legend
from edgewise.vision.data.reading import Levels
from edgewise.vision.segmentation.inference.drawn import Colour, palette
from edgewise.vision.segmentation.inference.predicting import MaskPredictor


@dataclass(frozen=True)
class Opened:
    """What makes masks of files.

    Attributes:
        predictor: What makes masks of pictures.
        facts: What its run noted of how pictures and masks are read, as of :func:`edgewise.vision.data.reading.facts_of`.
        count: Classes of the network; 1 for one foreground.
        levels: Which intensities become 0 and 1.
        classes: Names of the classes, the background's first.
        colours: Of each foreground class.
    """

    predictor: MaskPredictor
    facts: Mapping[str, Any] = field(repr=False)
    count: int
    levels: Levels = field(init=False)
    classes: tuple[str, ...] = field(init=False)
    colours: Sequence[Colour] = field(init=False, repr=False)

    def __post_init__(self):
        legend = Legend.noted(self.facts, self.count)
        for name, value in (("classes", legend.names), ("colours", palette(legend.colours))):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "levels", Levels.noted(self.facts))

    def read(self, path: Path) -> np.ndarray:
        """A picture (C, H, W) in [0, 1] as training saw it.

        Raises:
            DataError: The file is missing or broken, its numbers have no scale, or one is NaN.
        """
        image = self.levels.sample(path).read_image()
        if np.isnan(image).any():
            raise DataError(f"{path} has values that are NaN: replace them")
        return image
