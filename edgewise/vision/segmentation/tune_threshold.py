"""Choosing the threshold of a run on its validation images."""

from pathlib import Path

import numpy as np

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data import SegmentationSet
from edgewise.vision.segmentation.inference.predicting import MaskPredictor
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.segmentation.tuned import TunedThreshold, digest_of
from edgewise.vision.training.folder import RunFolder

LEVELS = np.arange(1, 1000, dtype=np.float32) / 1000


def tunable(run_dir: str | Path) -> RunFolder:
    """The folder of a run whose threshold can be chosen.

    Raises:
        CheckpointError: It holds no finished run.
        ConfigError: It has several classes.
    """
    folder = RunFolder(run_dir)
    classes = folder.read_recipe(SegmentationRecipe).data.classes
    if classes > 1:
        raise ConfigError(f"{run_dir} has {classes} classes: a threshold is tuned for one foreground alone")
    folder.read_result()  # of a run that goes on the weights change, and the threshold would be of others
    return folder


def choose_threshold(folder: RunFolder, predictor: MaskPredictor, images: SegmentationSet) -> TunedThreshold:
    """Choose the threshold of a run on its validation images, and keep it in its folder.

    Args:
        folder: The run, as :func:`tunable` gives it.
        predictor: Its best epoch.
        images: Its validation images.

    Raises:
        DataError: An image cannot be used, or none has any foreground.
    """
    iou = iou_by_threshold(predictor, images)
    before = (folder.read_recipe(SegmentationRecipe).decision.threshold or (0.5,))[0]
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
