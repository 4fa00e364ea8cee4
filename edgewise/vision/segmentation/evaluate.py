"""Scoring whatever makes masks: a run, a network, a threshold."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import DataError
from edgewise.vision.data import SegmentationSet
from edgewise.vision.data.coding import VOID
from edgewise.vision.data.reading import read_by
from edgewise.vision.segmentation.images import open_run
from edgewise.vision.segmentation.metrics import (
    by_class,
    count_pixels,
    hausdorff95,
    in_image,
    overlap,
    scored,
    summarise,
    tally,
)
from edgewise.vision.segmentation.predict import Predictor
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.training.folder import RunFolder

SCORES = {"iou": "IoU", "f1": "F1", "image_iou": "IoU per image", "image_f1": "F1 per image", "hd95": "HD95 (px)"}


@dataclass(frozen=True)
class Case:
    """The scores of one image, averaged over the foreground classes in its truth or its prediction."""

    id: str
    iou: float
    f1: float
    hd95: float


@dataclass(frozen=True)
class ClassScores:
    """The scores of one foreground class; without a pixel in the truth of any image, they are left out of the means."""

    label: int
    pixels: int
    """Of it in the truth."""
    predicted: int
    """Of it in the prediction."""
    iou: float
    f1: float
    image_iou: float
    image_f1: float

    @property
    def absent(self) -> bool:
        """Whether it is in the truth of no image."""
        return not self.pixels

    def summary(self) -> str:
        """A line on it."""
        if self.absent:
            return f"class {self.label}: in no scored image, so left out of the means; {self.predicted:,} pixels predicted"
        return f"class {self.label}: IoU {self.iou:.4f}, F1 {self.f1:.4f}, {self.pixels:,} pixels"


@dataclass(frozen=True)
class Evaluation:
    """Scores of a dataset, defined in :mod:`edgewise.vision.segmentation.metrics`, and of each of its images."""

    scores: dict[str, float]
    """``iou`` and ``f1`` over all pixels, ``image_iou`` and ``image_f1`` per image, ``hd95`` in pixels."""
    cases: list[Case]
    """Every image, in the dataset's order."""
    classes: list[ClassScores] = field(default_factory=list)
    """Every foreground class, where there are several."""

    titles: ClassVar[dict[str, str]] = SCORES
    """What a reader calls each score."""
    digits: ClassVar[dict[str, int]] = {"hd95": 1}
    """Digits after the point, where they are not three."""
    lower: ClassVar[tuple[str, ...]] = ("hd95",)
    """Scores that are better the lower they are."""

    def summary(self) -> str:
        """The classes, where there are several, how many images, and the worst."""
        worst = min(self.cases, key=lambda case: case.iou)
        images = f"{len(self.cases)} images; the worst is {worst.id}, IoU {worst.iou:.3f}"
        return "\n".join([*(one.summary() for one in self.classes), images])

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
    counts, distances = [], []
    for sample in dataset:
        image, mask = sample.read()
        _check(mask, sample.id, classes)
        truth = torch.from_numpy(mask)[None, None].long()
        labels = masks(image)[None, None]
        counts.append(count_pixels(labels, truth, classes))
        distances.append(hausdorff95(labels, truth, classes))
    pixels, distance = torch.cat(counts), torch.cat(distances)
    sums = tally(pixels)
    cases = [Case(sample.id, *_case(*pair)) for sample, *pair in zip(dataset, pixels, distance, strict=True)]
    hd95 = float(np.mean([case.hd95 for case in cases])) if classes <= 2 else _hd95(pixels, distance, scored(sums))
    return Evaluation({**summarise(sums), "hd95": hd95}, cases, _classes(sums) if classes > 2 else [])


def _check(mask: np.ndarray, name: str, classes: int) -> None:
    last = int(mask[mask != VOID].max(initial=0))
    if last >= max(classes, 2):
        raise DataError(
            f"the mask of {name!r} holds class {last} and the run knows {classes}: give masks of the run's classes, or say "
            "how to read them by mask_values"
        )


def _case(counts: Tensor, distance: Tensor) -> tuple[float, float, float]:
    """IoU, F1 and HD95 of an image from counts (classes, 3) and distances (classes,), means over what is there."""
    there = in_image(counts)
    there = there if there.any() else torch.ones_like(there)
    iou, f1, hd95 = (float(score[there].mean()) for score in (*overlap(counts), distance))
    return iou, f1, hd95


def _hd95(pixels: Tensor, distance: Tensor, counted: Tensor) -> float:
    """The mean over the classes that count of their means over the images that they are in."""
    there = in_image(pixels)
    means = (distance * there).sum(0) / there.sum(0).clamp(min=1)
    return means[counted].mean().item()


def _classes(sums: dict[str, Tensor]) -> list[ClassScores]:
    hit, false, missed = sums["pixels"].long().unbind(-1)
    columns = {"pixels": hit + missed, "predicted": hit + false, **by_class(sums)}
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [ClassScores(label, *row) for label, row in enumerate(rows, start=1)]


def evaluate_run(run_dir: str | Path, dataset: SegmentationSet | None = None, device: str = "cpu") -> Evaluation:
    """Score the best epoch of a run of segmentation.

    Args:
        run_dir: The run.
        dataset: Pictures with masks; None: the run's own test images. Where nobody stated them, the window of deep
            pictures and, with several classes, the rule for masks are those of training: what few pictures suggest can
            be others.
        device: Where to compute.

    Raises:
        CheckpointError: The folder holds no run, or its model is corrupted.
        DataError: A picture or its mask cannot be used, or the run's own images are not those that it was started with.

    Warns:
        EdgewiseWarning: The run was trained on pictures of the dataset.
    """
    folder = RunFolder(run_dir)
    data, facts = folder.read_recipe(SegmentationRecipe).data, folder.read_facts()
    if dataset is None:
        dataset = open_run(folder).test
    else:
        if (inventory := folder.read_inventory()) is not None:
            inventory.warn_of_learned(dataset)
        found = {"masks", "window"} - dataset.stated - ({"masks"} if data.classes == 1 else set())
        dataset = read_by(dataset, {name: facts[name] if name in found else None for name in ("masks", "window")})
    return evaluate_masks(Predictor.from_run(run_dir, device), dataset, data.classes)
