"""Choosing the threshold of a run on its validation images."""

from pathlib import Path

import numpy as np

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data import SegmentationSet
from edgewise.vision.segmentation.images import open_run
from edgewise.vision.segmentation.inference.predicting import MaskPredictor
from edgewise.vision.segmentation.predict import Predictor
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.segmentation.tuned import TunedThreshold, digest_of
from edgewise.vision.training.folder import RunFolder

LEVELS = np.arange(1, 1000, dtype=np.float32) / 1000


def tune_threshold(run_dir: str | Path, device: str = "cpu") -> TunedThreshold:
    """Choose the threshold of a run of one foreground and keep it in its folder.

    Of 0.001, 0.002, ..., 0.999 it is the one of largest IoU over all pixels of the validation images, at their own size
    and before components are removed; of several that are as good, the nearest to 0.5. Scores, predictions, reports and
    exports of the run use it from then on. The test images have no part in it.

    Args:
        run_dir: The run.
        device: Where to compute.

    Raises:
        CheckpointError: The folder holds no finished run, or its model is corrupted.
        ConfigError: It has several classes.
        DataError: The images cannot be used, or no validation image has any foreground.
    """
    folder = RunFolder(run_dir)
    recipe = folder.read_recipe(SegmentationRecipe)
    if recipe.data.classes > 1:
        raise ConfigError(f"{run_dir} has {recipe.data.classes} classes: a threshold is tuned for one foreground alone")
    folder.read_result()  # of a run that goes on the weights change, and the threshold would be of others
    images = open_run(folder).validation
    iou = iou_by_threshold(Predictor.from_run(run_dir, device), images)
    before = (recipe.decision.threshold or (0.5,))[0]
    best = np.flatnonzero(iou == iou.max())
    place = best[np.abs(LEVELS[best] - 0.5).argmin()]
    tuned = TunedThreshold(
        threshold=round(float(LEVELS[place]), 3),
        iou=float(iou[place]),
        iou_before=float(iou[np.abs(LEVELS - before).argmin()]),
        images=len(images),
        weights=digest_of(folder),
    )
    tuned.write(folder)
    return tuned


def iou_by_threshold(predictor: MaskPredictor, dataset: SegmentationSet) -> np.ndarray:
    """IoU over all pixels of a dataset with each threshold of ``LEVELS``, (999,); void pixels are left out.

    Raises:
        DataError: No image has any foreground.
    """
    counts = np.zeros((2, len(LEVELS) + 1))  # background and foreground by how many thresholds a pixel is above
    for sample in dataset:
        image, truth = sample.read()
        above = np.searchsorted(LEVELS, predictor.probabilities(image)[0].numpy(), side="left")
        for label in (0, 1):
            counts[label] += np.bincount(above[truth == label], minlength=len(LEVELS) + 1)
    false, hit = (part[::-1].cumsum()[::-1][1:] for part in counts)
    if not counts[1].any():
        raise DataError(f"no validation image of {dataset.name!r} has any foreground: give a threshold yourself")
    return hit / (counts[1].sum() + false)
