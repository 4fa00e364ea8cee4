r"""How well single objects are found, where masks tell them apart.

With :math:`G_i` the true objects, :math:`S_j` the predicted ones, and a pair matched where its IoU is above 0.5, so that
no object has two partners; :math:`TP` the pairs, :math:`FP` and :math:`FN` the predicted and the true objects without one:

* ``object_f1`` :math:`= 2 TP / (2 TP + FP + FN)`, over all objects.
* ``pq``, panoptic quality, :math:`= \sum_{TP} IoU / (TP + FP / 2 + FN / 2)`, over all objects (Kirillov et al., CVPR 2019).
* ``aji``, the aggregated Jaccard index, per case and then averaged: :math:`\sum_i |G_i \cap S_{j(i)}|` by
  :math:`\sum_i |G_i \cup S_{j(i)}| + \sum_{j unused} |S_j|`, with :math:`j(i)` the predicted object of largest IoU with
  :math:`G_i` (Kumar et al., IEEE TMI 36, 2017).

Where there is no object in truth and prediction, all three are 1. A network that gives classes to pixels tells no objects
apart: its objects are the connected parts of the foreground.
"""

import numpy as np
import torch
from torch import Tensor

TITLES = {"object_f1": "Object F1", "pq": "Panoptic quality", "aji": "AJI"}


def objects(prediction: np.ndarray, truth: np.ndarray) -> dict[str, Tensor]:
    """What adds up over cases.

    Args:
        prediction: Number of the object that each pixel is of, 0 the background; of 2 or 3 dimensions.
        truth: The same in truth.

    Returns:
        ``objects`` (4,), pairs, predicted and true objects without a partner, and the sum of the IoU of pairs; and ``aji``.

    Example:
        >>> found = objects(np.array([[1, 1, 0, 2]]), np.array([[5, 5, 5, 0]]))
        >>> found["objects"].tolist(), found["aji"].item()
        ([1.0, 1.0, 0.0, 0.6666666666666666], 0.5)
    """
    (true, sizes), (guessed, areas) = (_numbers(labels) for labels in (truth, prediction))
    meet = np.zeros((len(true), len(guessed)))
    both = (truth > 0) & (prediction > 0)
    np.add.at(meet, (np.searchsorted(true, truth[both]), np.searchsorted(guessed, prediction[both])), 1)
    union = sizes[:, None] + areas - meet
    iou = meet / union  # shape: (true, guessed)
    pairs = iou > 0.5
    sums = [pairs.sum(), (~pairs.any(0)).sum(), (~pairs.any(1)).sum(), iou[pairs].sum()]
    return {
        "objects": torch.tensor(sums, dtype=torch.float64),
        "aji": torch.tensor(_aji(meet, union, sizes, areas)).double(),
    }


def _numbers(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the objects, ascending, and how many pixels each has."""
    return np.unique(labels[labels > 0], return_counts=True)


def _aji(meet: np.ndarray, union: np.ndarray, sizes: np.ndarray, areas: np.ndarray) -> float:
    if not (len(sizes) and len(areas)):
        return float(len(sizes) == len(areas))
    best = (meet / union).argmax(1)
    rows = np.arange(len(sizes))
    met = meet[rows, best] > 0
    unused = np.ones(len(areas), bool)
    unused[best[met]] = False
    whole = np.where(met, union[rows, best], sizes).sum() + areas[unused].sum()
    return float(meet[rows, best].sum() / whole)


def of_objects(sums: dict[str, Tensor]) -> dict[str, Tensor]:
    """``object_f1``, ``pq`` and ``aji``, (...), from sums over cases; nothing, where no objects were measured."""
    if "objects" not in sums:
        return {}
    pairs, false, missed, iou = sums["objects"].unbind(-1)
    none = pairs + false + missed == 0
    half = pairs + (false + missed) / 2
    scores = {"object_f1": torch.where(none, 1.0, pairs / half), "pq": torch.where(none, 1.0, iou / half)}
    return scores | {"aji": sums["aji"] / sums["images"]}
