r"""All scores of a dataset, from what was measured of its cases: what each is, and what enters it.

With :math:`TP, FP, FN, TN` the pixels of a class, counted in each case without those that are void:

* **Over all pixels**, with the counts of all cases summed, so that large objects weigh more: ``iou`` :math:`= TP / (TP + FP
  + FN)`, ``f1`` (Dice) :math:`= 2 TP / (2 TP + FP + FN)`, ``sensitivity`` :math:`= TP / (TP + FN)`, ``specificity``
  :math:`= TN / (TN + FP)`, ``precision`` :math:`= TP / (TP + FP)`. IoU and F1 of nothing in
  truth and prediction are 1. Precision is 0 where the truth holds some and nothing is predicted. Any other ratio of nothing
  to nothing is not defined, and NaN.
* **Per case, then averaged**: ``image_iou``, ``image_f1``, ``hd95`` and ``assd``
  (:func:`~edgewise.vision.segmentation.scores.surface.surface_distances`), in pixels or mm.
* **Over all lesions** (:func:`~edgewise.vision.segmentation.scores.lesions.lesions`): ``lesion_sensitivity``, the part of
  the true ones that is found, and ``false_lesions``, the false ones per case.
* **Over all pixels, for all classes at once** (:func:`~edgewise.vision.segmentation.scores.calibration.calibration`):
  ``ece`` and ``brier``.
* **Over all objects**, where masks tell them apart (:mod:`~edgewise.vision.segmentation.scores.instances`): ``object_f1``,
  ``pq`` and ``aji``.

**Several classes.** A class counts in a case if it is in its truth or its prediction; only these cases enter its mean
over cases. A class counts in the mean over classes if it is in the truth of any case. The background never does. A score
that is not defined for a class is left out of that score's mean.

A score of some cases, of a group or of a bootstrap sample is the same function of the sums over these cases.
"""

import torch
from torch import Tensor

from edgewise.vision.segmentation.metrics import by_class as overlaps
from edgewise.vision.segmentation.metrics import scored
from edgewise.vision.segmentation.scores.instances import of_objects

MAIN = {"iou": "IoU", "f1": "F1", "image_iou": "IoU per image", "image_f1": "F1 per image", "hd95": "HD95 ({unit})"}
"""What a reader calls the scores that stand first; ``unit`` is that of distances."""
FURTHER = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision",
    "assd": "ASSD ({unit})",
    "lesion_sensitivity": "Lesions found",
    "false_lesions": "False lesions per image",
}
OF_PROBABILITIES = {"ece": "Calibration error", "brier": "Brier score"}
LOWER = ("hd95", "assd", "false_lesions", "ece", "brier")
"""Scores that are better the lower they are."""


def by_class(sums: dict[str, Tensor]) -> dict[str, Tensor]:
    """The scores of each foreground class, (..., classes), from sums over cases of what was measured of each.

    Example:
        >>> import numpy as np
        >>> from edgewise.vision.segmentation.scores.measure import measure
        >>> scores = by_class(measure(np.array([[1, 1, 0]]), np.array([[0, 1, 1]])))
        >>> round(scores["iou"].item(), 3), scores["sensitivity"].item(), scores["lesion_sensitivity"].item()
        (0.333, 0.5, 1.0)
    """
    hit, false, missed = sums["pixels"].unbind(-1)
    cases, images = sums["there"].clamp(min=1), sums["images"][..., None]
    true, found, _, wrong = sums["lesions"].unbind(-1)
    return overlaps(sums) | {
        "hd95": sums["hd95"] / cases,
        "sensitivity": hit / (hit + missed),
        "specificity": sums["rest"] / (sums["rest"] + false),
        "precision": torch.where((hit + false == 0) & (missed > 0), 0.0, hit / (hit + false)),
        "assd": sums["assd"] / cases,
        "lesion_sensitivity": found / true,
        "false_lesions": wrong / images,
    }


def means(sums: dict[str, Tensor]) -> dict[str, Tensor]:
    """All scores, (...): means over the classes that count, and those of objects and of probabilities."""
    counted = scored(sums)
    scores = {name: score.where(counted, torch.nan).nanmean(-1) for name, score in by_class(sums).items()}
    return scores | of_objects(sums) | of_probabilities(sums)


def of_probabilities(sums: dict[str, Tensor]) -> dict[str, Tensor]:
    """``ece`` and ``brier``, (...), from sums over cases; nothing, where no probabilities were measured."""
    if "bins" not in sums:
        return {}
    _, sure, right = sums["bins"].unbind(-1)
    return {"ece": (right - sure).abs().sum(-1) / sums["known"], "brier": sums["squares"] / sums["known"]}
