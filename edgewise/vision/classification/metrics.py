r"""Scores of a classification, each with its definition.

**Of all pictures:**

* ``top1`` and ``top5``: the part of the pictures whose class has the largest, or one of the five largest, logits.
* ``balanced``, the balanced accuracy (Brodersen et al., ICPR 2010): the mean sensitivity over classes.
* ``auc``: the mean over classes of their areas under the ROC curve (macro average, one class against the rest).
* ``ece``, the expected calibration error (Guo et al., ICML 2017): :math:`\sum_b \frac{N_b}{N} |a_b - c_b|` over 15 equal
  bins of the largest probability, with :math:`a_b` the part of a bin that is right and :math:`c_b` its mean probability.
* ``log_loss`` :math:`= -\frac1N \sum_n \log p_n(y_n)`.

**Of a class**, with :math:`TP, FP, FN, TN` the pictures by whether they are of it and named so: ``sensitivity``, or recall,
:math:`TP / (TP + FN)`; ``specificity`` :math:`TN / (TN + FP)`; ``precision`` :math:`TP / (TP + FP)`; ``f1``
:math:`2 TP / (2 TP + FP + FN)`; and ``auc`` :math:`P(s_+ > s_-) + P(s_+ = s_-) / 2` for a picture of the class and one of
another, with s the probability of the class. Precision is 0 for a class of which pictures are there and none is named so.
Other ratios of nothing to nothing are not defined, NaN, and left out of means over classes.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

BINS = 15
SCORES = {
    "top1": "Top-1",
    "top5": "Top-5",
    "balanced": "Balanced accuracy",
    "auc": "AUC",
    "ece": "Calibration error",
    "log_loss": "Log loss",
}
OF_CLASSES = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision",
    "f1": "F1",
    "auc": "AUC",
}


def measure(logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """What adds up over pictures, of each picture.

    Args:
        logits: ``(N, classes)``.
        labels: Class of each, integers ``(N,)``.

    Returns:
        ``top5`` and ``log_loss``, ``(N,)``; ``bins`` ``(N, 15, 3)``, the count, the sum of probabilities and the number
        right in each bin. All in float64.
    """
    logits = logits.double()
    confidence, prediction = logits.softmax(1).amax(1), logits.argmax(1)
    best = logits.topk(min(5, logits.shape[1]), dim=1).indices
    place = (confidence * BINS).long().clamp(max=BINS - 1)
    columns = torch.stack([torch.ones_like(confidence), confidence, (prediction == labels).double()], dim=1)
    return {
        "top5": (best == labels[:, None]).any(1).double(),
        "log_loss": F.cross_entropy(logits, labels, reduction="none"),
        "bins": F.one_hot(place, BINS).double()[..., None] * columns[:, None],
    }


def tally(logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """The sums of :func:`measure` over a batch, with those of each class; rows whose label is below 0 are left out.

    Returns:
        As there, and ``truth`` and ``hit``, ``(classes,)``: the pictures of each class, and those that are named so.
    """
    known, count = labels >= 0, logits.shape[1]
    logits, labels = logits[known], labels[known]
    named = labels[logits.argmax(1) == labels]
    of_classes = {name: which.bincount(minlength=count).double() for name, which in (("truth", labels), ("hit", named))}
    return {name: part.sum(0) for name, part in measure(logits, labels).items()} | of_classes


def balanced_accuracy(sums: dict[str, Tensor]) -> Tensor:
    """The mean sensitivity over the classes that there are, from sums of :func:`tally`."""
    return (sums["hit"] / sums["truth"]).nanmean(-1)


def summarise(sums: dict[str, Tensor]) -> dict[str, Tensor]:
    """``top1``, ``top5``, ``ece`` and ``log_loss``, ``(...,)``, from sums over pictures of :func:`measure`.

    Example:
        >>> logits = torch.tensor([[2.0, 0.0], [0.0, 2.0], [0.0, 2.0], [2.0, 0.0]])
        >>> scores = summarise(tally(logits, torch.tensor([0, 1, 1, 1])))
        >>> scores["top1"].item(), round(scores["ece"].item(), 4)
        (0.75, 0.1308)
    """
    count, confidence, right = sums["bins"].unbind(-1)
    total = count.sum(-1)
    return {
        "top1": right.sum(-1) / total,
        "top5": sums["top5"] / total,
        "ece": (right - confidence).abs().sum(-1) / total,
        "log_loss": sums["log_loss"] / total,
    }


def by_class(hit: Tensor, truth: Tensor, found: Tensor) -> dict[str, Tensor]:
    """``sensitivity``, ``specificity``, ``precision`` and ``f1`` of each class.

    Args:
        hit: Pictures of each class that are named so, ``(..., classes)``.
        truth: Those that are of it.
        found: Those that are named so.

    Example:
        >>> scores = by_class(*(torch.tensor(counts) for counts in ([3.0, 4.0], [4.0, 4.0], [3.0, 5.0])))
        >>> scores["precision"].tolist(), scores["specificity"].tolist()
        ([1.0, 0.800000011920929], [1.0, 0.75])
    """
    rest = truth.sum(-1, keepdim=True) - truth
    return {
        "sensitivity": hit / truth,
        "specificity": (rest - (found - hit)) / rest,
        "precision": torch.where((found == 0) & (truth > 0), 0.0, hit / found),
        "f1": 2 * hit / (truth + found),
    }


def area(scores: Tensor, positive: Tensor, weights: Tensor) -> Tensor:
    """The area under the ROC curve, by Mann and Whitney's statistic; NaN where all are of one kind.

    Args:
        scores: How much each picture looks like one of the class, ``(N,)``.
        positive: Which are of it, bool ``(N,)``.
        weights: How often each picture counts, ``(N, samples)``: along its rows the sums are quick.

    Returns:
        Of each sample, ``(samples,)``.

    Example:
        >>> area(torch.tensor([0.1, 0.4, 0.4, 0.8]), torch.tensor([False, False, True, True]), torch.ones(4, 1)).tolist()
        [0.875]
    """
    order = scores.argsort()
    _, counts = scores[order].unique_consecutive(return_counts=True)
    stop = counts.cumsum(0).repeat_interleave(counts)  # (N,): the end of the ties that a place is among
    start = stop - counts.repeat_interleave(counts)
    positive = positive[order]
    others, mine = order[~positive], order[positive]
    # shape: (others + 1, samples), what the lowest 0, 1, .. of the others weigh
    below = F.pad(weights[others].cumsum(0), (0, 0, 1, 0))
    lower = F.pad((~positive).cumsum(0), (1, 0))  # (N + 1,): how many of the first places are others
    pairs = below[lower[start[positive]]] + below[lower[stop[positive]]]
    mine = weights[mine]
    return (mine * pairs).sum(0) / (2 * mine.sum(0) * below[-1])


def log_odds(logits: Tensor) -> Tensor:
    """The logarithm of the odds of each class against the rest, which orders pictures as its probability does.

    Unlike a probability it tells pictures apart that are all but sure.

    Args:
        logits: ``(N, classes)``.

    Example:
        >>> log_odds(torch.tensor([[40.0, 0.0], [50.0, 0.0]])).tolist()
        [[40.0, -40.0], [50.0, -50.0]]
    """
    logits = logits.double()
    chances = logits.log_softmax(1)
    first = logits.argmax(1, keepdim=True)
    rest = logits.scatter(1, first, -torch.inf).logsumexp(1, keepdim=True)
    odds = chances - torch.log1p(-chances.exp())
    return odds.scatter(1, first, logits.gather(1, first) - rest)
