r"""Scores of a segmentation, each with its definition.

With :math:`TP, FP, FN` the pixels counted per image and class at threshold 0.5 (one class) or by the largest logit:

* ``iou`` :math:`= \sum TP / \sum (TP + FP + FN)` and ``f1`` :math:`= \sum 2TP / \sum (2TP + FP + FN)`, the sums over
  **all pixels of the dataset** ("micro"): large objects weigh more. Both are functions of each other, F1 = 2 IoU / (1
  + IoU).
* ``image_iou`` and ``image_f1``: the same ratio **per image, then averaged over images**. An image with neither truth
  nor prediction scores 1.

They are what training watches; :mod:`edgewise.vision.segmentation.scores.summary` has all scores.

With several classes, background (class 0) is left out and the others are averaged. A class counts in an image if it is in
its truth or its prediction; over a dataset, it counts if it is in the truth of any image, and is otherwise left out of the
means (:func:`by_class` names it). Pixels whose truth is void count as background on both sides.

U-KAN's released code scores micro
IoU within each batch of eight and averages the batches, which depends on how images fall into batches; and it calls
medpy's distance on empty masks, which raises and is recorded as 0, the best score there is. Neither is done here.
"""

import torch
from torch import Tensor

from edgewise.vision.data.coding import VOID


def segment(logits: Tensor) -> Tensor:
    """The class of each pixel: (B, classes, H, W) logits to (B, 1, H, W) integers, 0 the background.

    Example:
        >>> segment(torch.tensor([[[[-1.0, 2.0]]]])).tolist()
        [[[[0, 1]]]]
    """
    return (logits > 0).long() if logits.shape[1] == 1 else logits.argmax(1, keepdim=True)


def count_pixels(prediction: Tensor, truth: Tensor, classes: int = 1) -> Tensor:
    """True positives, false positives and false negatives of each image and foreground class.

    Args:
        prediction: Class of each pixel, (B, 1, H, W).
        truth: Class of each pixel, (B, 1, H, W), or 255 where none is known.
        classes: Classes of the network; 1 means one foreground without a channel for the background.

    Returns:
        Counts, (B, foreground classes, 3) in float64: exact up to 2^53 pixels, where MONAI's are up to 2^24, and a scan has
        more.
    """
    foreground, known = range(1, max(classes, 2)), truth != VOID
    maps = (torch.cat([(labels == index) & known for index in foreground], dim=1) for labels in (prediction, truth))
    found, there = (part.flatten(2) for part in maps)
    hit = (found & there).sum(-1)
    return torch.stack([hit, found.sum(-1) - hit, there.sum(-1) - hit], dim=-1).double()


def overlap(counts: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and F1 from counts (..., 3) of true positives, false positives and false negatives; 1 where all are 0.

    Example:
        >>> iou, f1 = overlap(torch.tensor([[2.0, 1.0, 1.0], [0.0, 0.0, 0.0]]))
        >>> iou.tolist(), f1.tolist()
        ([0.5, 1.0], [0.6666666865348816, 1.0])
    """
    hit, false, missed = counts.unbind(-1)
    empty = hit + false + missed == 0
    iou = torch.where(empty, 1.0, hit / (hit + false + missed))
    f1 = torch.where(empty, 1.0, 2 * hit / (2 * hit + false + missed))
    return iou, f1


def in_image(counts: Tensor) -> Tensor:
    """Which classes count in which image, (images, classes): those in its truth or prediction; a single one always does."""
    return counts.sum(-1) > 0 if counts.shape[-2] > 1 else torch.ones_like(counts[..., 0], dtype=torch.bool)


def parts(counts: Tensor) -> dict[str, Tensor]:
    """What adds up over images, of each of them, from their counts (images, classes, 3): pixels, scores, and images."""
    image_iou, image_f1 = overlap(counts)
    there = in_image(counts).to(counts.dtype)
    scores = {"image_iou": image_iou * there, "image_f1": image_f1 * there}
    return {"pixels": counts, **scores, "there": there, "images": counts.new_ones(len(counts))}


def tally(counts: Tensor) -> dict[str, Tensor]:
    """The sums of :func:`parts` over the images."""
    return {name: part.sum(0) for name, part in parts(counts).items()}


def scored(sums: dict[str, Tensor]) -> Tensor:
    """Which classes count over a dataset, (..., classes): those in the truth of any image; all, where there is none."""
    hit, _, missed = sums["pixels"].unbind(-1)
    there = hit + missed > 0
    return there | ~there.any(-1, keepdim=True)


def by_class(sums: dict[str, Tensor]) -> dict[str, Tensor]:
    """``iou``, ``f1``, ``image_iou`` and ``image_f1`` of each foreground class, (..., classes), by sums of `parts`."""
    iou, f1 = overlap(sums["pixels"])
    images = {name: sums[name] / sums["there"].clamp(min=1) for name in ("image_iou", "image_f1")}
    return {"iou": iou, "f1": f1} | {name: torch.where(sums["there"] > 0, score, 1.0) for name, score in images.items()}


def summarise(sums: dict[str, Tensor]) -> dict[str, float]:
    """``iou``, ``f1``, ``image_iou`` and ``image_f1`` of a dataset from sums of :func:`parts`.

    Example:
        >>> scores = summarise(tally(torch.tensor([[[2.0, 1.0, 1.0]], [[0.0, 0.0, 0.0]]])))
        >>> scores["iou"], scores["image_iou"]
        (0.5, 0.75)
    """
    return {name: score[scored(sums)].mean().item() for name, score in by_class(sums).items()}
