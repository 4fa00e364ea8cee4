"""Scoring whatever makes masks: a run, a network, a threshold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from edgewise._ground.errors import ConfigError, DataError
from edgewise._ground.progress import ProgressLine
from edgewise.vision.data import Sample, SegmentationSet
from edgewise.vision.data.coding import VOID
from edgewise.vision.data.instances import has_instances, read_instances
from edgewise.vision.data.legend import Legend
from edgewise.vision.data.reading import read_by
from edgewise.vision.segmentation.evaluation import Evaluation
from edgewise.vision.segmentation.images import open_run
from edgewise.vision.segmentation.inference.predicting import MaskPredictor
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.segmentation.scores.cohort import Cohort
from edgewise.vision.segmentation.scores.measure import measure
from edgewise.vision.training.files import RunFiles, warn_of_learned

Seen = Callable[[Sample, np.ndarray, np.ndarray, np.ndarray], None]


def evaluate_masks(
    masks: Callable[[np.ndarray], Tensor], dataset: SegmentationSet, classes: int = 1, seen: Seen | None = None
) -> Evaluation:
    """Score masks against the truth, at each picture's own size.

    Own size: a network that sees 128 x 128 and one that sees 256 x 256 are then scored on the same pixels, and so is a
    threshold. (U-KAN's code scores at the size the network sees, which forgives what resizing loses.)

    Args:
        masks: From a picture (C, H, W) in [0, 1] to the class of each pixel (H, W), such as a
            :class:`~edgewise.vision.Predictor` or a threshold. Of what makes probabilities, calibration is measured too.
        dataset: Pictures with their masks.
        classes: Classes of the masks; 1 for one foreground.
        seen: Told of each case as it is scored: its sample, its picture, its true classes and those of the masks.

    Raises:
        DataError: A picture or its mask cannot be used.
        NonFiniteError: The logits of a network are not finite.
    """
    spacings = [sample.spacing for sample in dataset]
    in_mm = None not in spacings
    apart = classes <= 2 and has_instances(dataset)
    measured = []
    with ProgressLine("scored", len(dataset), shown=None, errors=True) as line:
        for sample, spacing in zip(dataset, spacings, strict=True):
            image, truth = sample.read()
            _check(truth, sample.id, classes)
            instances = read_instances(sample) if apart else None
            labels, probabilities = _found(masks, image)
            if seen is not None:
                seen(sample, image, truth, labels)
            measured.append(measure(labels, truth, classes, spacing if in_mm else None, probabilities, instances))
            line.step()
            line.say()
    cohort = Cohort(dataset.ids, tuple(sample.group for sample in dataset), measured)
    known = dataset.legend if dataset.legend and len(dataset.legend.names) == max(classes, 2) else Legend.of(classes)
    return Evaluation.of(cohort, "mm" if in_mm else "px", known.names)


def _found(masks: Callable[[np.ndarray], Tensor], image: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """The class of each pixel, and the probabilities where there are some."""
    if not isinstance(masks, MaskPredictor):
        return masks(image).numpy(), None
    probabilities = masks.probabilities(image)
    return masks.decision(probabilities).numpy(), probabilities.numpy()


def _check(mask: np.ndarray, name: str, classes: int) -> None:
    last = int(mask[mask != VOID].max(initial=0))
    if last >= max(classes, 2):
        raise DataError(
            f"the mask of {name!r} holds class {last} and the run knows {classes}: give masks of the run's classes, or say "
            "how to read them by mask_values"
        )


def evaluate_files(
    run: RunFiles,
    masks: Callable[[np.ndarray], Tensor],
    dataset: SegmentationSet | None = None,
    others: Sequence[RunFiles] = (),
) -> Evaluation:
    """Score what makes masks of the pictures of a run.

    Args:
        run: Its files.
        masks: As in :func:`evaluate_masks`.
        dataset: Pictures with masks, read as by :func:`read_as_noted`; None: the run's own test images.
        others: The files of further runs that the masks are made by.

    Raises:
        CheckpointError: The folder holds no run of segmentation.
        ConfigError: The dataset has no masks, or volumes.
        DataError: A picture or its mask cannot be used, the dataset has a class of the run under another number, or the
            run's own images are not those that it was started with.

    Warns:
        EdgewiseWarning: A run was trained on pictures of the dataset.
    """
    classes = run.read_recipe(SegmentationRecipe).data.classes
    if dataset is None:
        return evaluate_masks(masks, open_run(run).test, classes)
    dataset = read_as_noted(dataset, run.read_facts(), classes)
    warn_of_learned((run, *others), dataset)
    return evaluate_masks(masks, dataset, classes)


def read_as_noted(dataset: SegmentationSet, facts: Mapping[str, Any], classes: int) -> SegmentationSet:
    """Another dataset, read as a run was.

    Args:
        dataset: Pictures with masks. Where nobody stated them, the window of deep pictures and, with several classes, the
            rule for masks become those of training: what few pictures suggest can be others.
        facts: What the run noted, or an exported file.
        classes: Of the run.

    Raises:
        ConfigError: The dataset has no masks, or volumes.
        DataError: It has a class of the run under another number.
    """
    if not isinstance(dataset, SegmentationSet) or dataset.space != 2:
        raise ConfigError(f"dataset {dataset.name!r} has no pictures with masks, which alone are scored here: give some")
    legend = Legend.noted(facts, classes)
    legend.check_order(dataset.legend, dataset.name)
    own = dataset.stated | ({"masks"} if classes == 1 else set())
    if "window" not in own:  # what these pictures suggest is not what a prediction reads them by
        dataset = replace(dataset, samples=tuple(replace(sample, window=None) for sample in dataset))
    parts = {"masks": ("masks",), "window": ("window", "window_of", "scale")}
    read = {name: facts.get(name) for part, names in parts.items() if part not in own for name in names}
    return read_by(dataset, {**read, "legend": legend.to_dict()})
