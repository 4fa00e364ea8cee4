"""Scoring whatever makes masks: a run, a network, a threshold."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from edgewise.vision.data import SegmentationSet
from edgewise.vision.segmentation.images import open_split
from edgewise.vision.segmentation.metrics import count_pixels, hausdorff95, overlap, summarise, tally
from edgewise.vision.segmentation.predict import Predictor
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.training.folder import RunFolder

SCORES = {"iou": "IoU", "f1": "F1", "image_iou": "IoU per image", "image_f1": "F1 per image", "hd95": "HD95 (px)"}


@dataclass(frozen=True)
class Case:
    """The scores of one image, averaged over its foreground classes."""

    id: str
    iou: float
    f1: float
    hd95: float


@dataclass(frozen=True)
class Evaluation:
    """Scores of a dataset, defined in :mod:`edgewise.vision.segmentation.metrics`, and of each of its images."""

    scores: dict[str, float]
    """``iou`` and ``f1`` over all pixels, ``image_iou`` and ``image_f1`` per image, ``hd95`` in pixels."""
    cases: list[Case]
    """Every image, in the dataset's order."""

    titles: ClassVar[dict[str, str]] = SCORES
    """What a reader calls each score."""
    digits: ClassVar[dict[str, int]] = {"hd95": 1}
    """Digits after the point, where they are not three."""
    lower: ClassVar[tuple[str, ...]] = ("hd95",)
    """Scores that are better the lower they are."""

    def summary(self) -> str:
        """How many images, and the worst."""
        worst = min(self.cases, key=lambda case: case.iou)
        return f"{len(self.cases)} images; the worst is {worst.id}, IoU {worst.iou:.3f}"

    def to_dict(self) -> dict:
        """Everything as plain JSON values."""
        return asdict(self)


def evaluate_masks(masks: Callable[[np.ndarray], Tensor], dataset: SegmentationSet, classes: int = 1) -> Evaluation:
    """Score masks against the truth, at each picture's own size.

    Own size: a network that sees 128 x 128 and one that sees 256 x 256 are then scored on the same pixels, and so is a
    threshold. (U-KAN's code scores at the size the network sees, which forgives what resizing loses.)

    Args:
        masks: From a picture (C, H, W) in [0, 1] to the class of each pixel (H, W), such as a
            :class:`~edgewise.vision.Predictor` or a threshold.
        dataset: Pictures with their masks.
        classes: Classes of the masks; 1 for one foreground.

    Raises:
        DataError: A picture or its mask cannot be used.
    """
    counts, cases = [], []
    for sample in dataset:
        image, mask = sample.read()
        truth = torch.from_numpy(mask)[None, None].long()
        labels = masks(image)[None, None]
        counts.append(count_pixels(labels, truth, classes))
        iou, f1 = overlap(counts[-1])
        distance = hausdorff95(labels, truth, classes)
        cases.append(Case(sample.id, iou.mean().item(), f1.mean().item(), distance.mean().item()))
    scores = summarise(tally(torch.cat(counts)))
    return Evaluation({**scores, "hd95": float(np.mean([case.hd95 for case in cases]))}, cases)


def evaluate_run(run_dir: str | Path, dataset: SegmentationSet | None = None, device: str = "cpu") -> Evaluation:
    """Score the best epoch of a run of segmentation.

    Args:
        run_dir: The run.
        dataset: Pictures with masks; None: the run's own test images.
        device: Where to compute.

    Raises:
        CheckpointError: The folder holds no run, or its model is corrupted.
        DataError: A picture or its mask cannot be used.
    """
    data = RunFolder(run_dir).read_recipe(SegmentationRecipe).data
    dataset = open_split(data).test if dataset is None else dataset
    return evaluate_masks(Predictor.from_run(run_dir, device), dataset, data.classes)
