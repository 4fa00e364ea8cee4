r"""Scores of a classification, each with its definition.

* ``top1`` and ``top5``: the part of the pictures whose class has the largest, or one of the five largest, logits.
* ``log_loss`` :math:`= -\frac1N \sum_n \log p_n(y_n)`.
* ``ece``, the expected calibration error (Guo et al., ICML 2017): :math:`\sum_b \frac{N_b}{N} |a_b - c_b|` over 15 equal
  bins of the largest probability, with :math:`a_b` the part of a bin that is right and :math:`c_b` its mean probability.

All are sums over pictures, so they do not depend on batches or processes.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

BINS = 15
SCORES = {"top1": "Top-1", "top5": "Top-5", "ece": "Calibration error", "log_loss": "Log loss"}


def tally(logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """What adds up over batches; rows whose label is below 0 are left out.

    Args:
        logits: ``(N, classes)``.
        labels: Class of each, integers ``(N,)``.

    Returns:
        ``confusion`` ``(classes, classes)``, truth by prediction; ``top5`` and ``log_loss``, scalars; ``bins`` ``(15, 3)``,
        the count, the sum of probabilities and the number right in each bin. All in float64.
    """
    logits, labels = logits[labels >= 0].double(), labels[labels >= 0]
    classes = logits.shape[1]
    confidence, prediction = logits.softmax(1).max(1)
    pairs = torch.bincount(labels * classes + prediction, minlength=classes**2)
    best = logits.topk(min(5, classes), dim=1).indices
    place = (confidence * BINS).long().clamp(max=BINS - 1)
    columns = torch.stack([torch.ones_like(confidence), confidence, (prediction == labels).double()], dim=1)
    return {
        "confusion": pairs.reshape(classes, classes).double(),
        "top5": (best == labels[:, None]).any(1).double().sum(),
        "log_loss": F.cross_entropy(logits, labels, reduction="sum"),
        "bins": torch.zeros(BINS, 3, dtype=torch.float64, device=logits.device).index_add(0, place, columns),
    }


def summarise(tallies: dict[str, Tensor]) -> dict[str, float]:
    """The four scores from sums of :func:`tally`.

    Example:
        >>> logits = torch.tensor([[2.0, 0.0], [0.0, 2.0], [0.0, 2.0], [2.0, 0.0]])
        >>> scores = summarise(tally(logits, torch.tensor([0, 1, 1, 1])))
        >>> scores["top1"], round(scores["ece"], 4)
        (0.75, 0.1308)
    """
    confusion, (count, confidence, right) = tallies["confusion"], tallies["bins"].unbind(1)
    total = confusion.sum()
    return {
        "top1": (confusion.diagonal().sum() / total).item(),
        "top5": (tallies["top5"] / total).item(),
        "ece": ((right - confidence).abs().sum() / count.sum()).item(),
        "log_loss": (tallies["log_loss"] / total).item(),
    }


def by_class(confusion: Tensor) -> dict[str, Tensor]:
    """``count``, ``precision``, ``recall`` and ``f1`` of each class; 0 where nothing is found or there.

    Example:
        >>> by_class(torch.tensor([[3.0, 1.0], [0.0, 4.0]]))["precision"].tolist()
        [1.0, 0.800000011920929]
    """
    right, truth, found = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    parts = {"precision": right / found, "recall": right / truth, "f1": 2 * right / (truth + found)}
    return {"count": truth} | {name: torch.where(part.isnan(), 0.0, part) for name, part in parts.items()}
