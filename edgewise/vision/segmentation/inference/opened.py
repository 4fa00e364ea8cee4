"""A predictor with what its run knows of files: how pictures are read, and how classes are shown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgewise._ground.errors import DataError
from edgewise.vision.data.legend import Legend
from edgewise.vision.data.reading import Levels
from edgewise.vision.segmentation.decision import Decision
from edgewise.vision.segmentation.inference.drawn import Colour, palette
from edgewise.vision.segmentation.inference.predicting import MaskPredictor
from edgewise.vision.segmentation.predict import Predictor
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.training.folder import RunFolder


@dataclass(frozen=True)
class Opened:
    """What makes masks of files.

    Attributes:
        predictor: What makes masks of pictures.
        levels: Which intensities become 0 and 1.
        colours: Of each foreground class.
    """

    predictor: MaskPredictor
    levels: Levels
    colours: Sequence[Colour] = field(repr=False)

    def read(self, path: Path) -> np.ndarray:
        """A picture (C, H, W) in [0, 1] as training saw it.

        Raises:
            DataError: The file is missing or broken, its numbers have no scale, or one is NaN.
        """
        image = self.levels.sample(path).read_image()
        if np.isnan(image).any():
            raise DataError(f"{path} has values that are NaN: replace them")
        return image


def open_predictor(run_dir: str | Path, device: str = "cpu", decision: Decision | None = None) -> Opened:
    """The best epoch of a run.

    Args:
        run_dir: A folder made by :func:`edgewise.vision.train`.
        device: Where to compute.
        decision: What is made of the probabilities; None: what the run says.

    Raises:
        CheckpointError: There is no run, it has done no epoch yet, or its model is corrupted.
    """
    folder = RunFolder(run_dir)
    predictor = Predictor.from_run(run_dir, device, decision)
    classes, facts = folder.read_recipe(SegmentationRecipe).data.classes, folder.read_facts()
    return Opened(predictor, Levels.noted(facts), palette(Legend.noted(facts, classes).colours))
