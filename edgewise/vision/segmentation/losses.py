"""The losses of a segmentation. Pixels whose truth is void count in none of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgewise._ground.optional import require
from edgewise.vision.data.coding import VOID
from edgewise.vision.segmentation.objective import Loss

SMOOTH = 1e-5


@dataclass(frozen=True)
class Compared:
    """Logits (B, classes, *) beside the truth (B, 1, *), the class of each pixel or 255."""

    logits: Tensor
    truth: Tensor

    @cached_property
    def known(self) -> Tensor:
        """1 where the truth is known, else 0, (B, 1, *)."""
        return (self.truth != VOID).to(self.logits.dtype)

    @cached_property
    def labels(self) -> Tensor:
        """The class of each pixel, background where none is known, (B, *) of integers."""
        return self.truth.masked_fill(self.truth == VOID, 0).squeeze(1).long()

    @cached_property
    def probability(self) -> Tensor:
        """Of each class, (B, classes, *); 0 where the truth is void."""
        found = self.logits.sigmoid() if self.logits.shape[1] == 1 else self.logits.softmax(1)
        return found * self.known

    @cached_property
    def target(self) -> Tensor:
        """1 where a class is, (B, classes, *); 0 where the truth is void."""
        one_hot = F.one_hot(self.labels, max(self.logits.shape[1], 2)).movedim(-1, 1)
        return one_hot[:, -self.logits.shape[1] :].to(self.logits.dtype) * self.known


class Entropy(nn.Module):
    r"""A mean over pixels of :math:`-w_y (1 - p_y)^{\gamma} \log p_y`, weighted by :math:`w_y` (Lin et al., 1708.02002).

    Args:
        weights: Of the classes, background first.
        focus: :math:`\gamma`; 0 is the cross-entropy.
    """

    weights: Tensor

    def __init__(self, weights: Tensor, focus: float = 0.0):
        super().__init__()
        self.focus = focus
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, pair: Compared) -> Tensor:
        """The loss of a batch."""
        if pair.logits.shape[1] == 1:
            found = F.binary_cross_entropy_with_logits(pair.logits.squeeze(1), pair.target.squeeze(1), reduction="none")
        else:
            found = F.cross_entropy(pair.logits, pair.labels, reduction="none")
        if self.focus:
            found = found * (-torch.expm1(-found)) ** self.focus
        weight = self.weights.to(found.dtype)[pair.labels] * pair.known.squeeze(1)
        return (found * weight).sum() / weight.sum().clamp(min=torch.finfo(found.dtype).tiny)


class Overlap(nn.Module):
    r"""One minus an overlap of each image and class, smoothed by 1e-5: their mean, weighted by class.

    Dice, or Tversky's :math:`TP / (TP + \alpha FP + \beta FN)` (Salehi et al., 1706.05721). Per image, as U-KAN does, so
    that an image with a small object weighs as much as one with a large object.

    Args:
        weights: Of the channels, (classes,).
        tversky: :math:`\alpha` and :math:`\beta`; None: Dice.
    """

    weights: Tensor

    def __init__(self, weights: Tensor, tversky: tuple[float, float] | None = None):
        super().__init__()
        losses, same = require("monai.losses", extra="training"), {"smooth_nr": SMOOTH, "smooth_dr": SMOOTH}
        self.register_buffer("weights", parts_of_one(weights), persistent=False)
        if tversky is None:
            self.overlap = losses.DiceLoss(reduction="none", **same)
        else:
            self.overlap = losses.TverskyLoss(alpha=tversky[0], beta=tversky[1], reduction="none", **same)

    def forward(self, pair: Compared) -> Tensor:
        """The loss of a batch."""
        found = self.overlap(pair.probability, pair.target).flatten(1)  # shape: (B, classes)
        return (found * self.weights.to(found.dtype)).sum(1).mean()


class Boundary(nn.Module):
    r"""A mean over pixels of :math:`p_c \phi_c`, weighted over the foreground classes (Kervadec et al., 1812.07032).

    :math:`\phi_c` is the distance to the nearest pixel of class :math:`c` outside of it, and minus that to the nearest
    other pixel, less one, inside, in pixels. Where a class is absent from an image, or fills it, it is 0.

    Args:
        weights: Of the foreground classes.
    """

    weights: Tensor

    def __init__(self, weights: Tensor):
        super().__init__()
        self.register_buffer("weights", parts_of_one(weights), persistent=False)

    def forward(self, pair: Compared) -> Tensor:
        """The loss of a batch."""
        first = pair.probability.shape[1] - len(self.weights)  # the background's channel, where there is one
        target, known = pair.target[:, first:].bool().cpu().numpy(), pair.known.bool().cpu().numpy()[:, 0]
        pairs = zip(target, known, strict=True)
        maps = np.array([[signed_distance(one, seen) for one in classes] for classes, seen in pairs])
        found = pair.probability[:, first:] * torch.from_numpy(maps).to(pair.logits)
        means = found.flatten(2).sum((0, 2)) / pair.known.sum().clamp(min=1)
        return (means * self.weights.to(means.dtype)).sum()


def parts_of_one(weights: Tensor) -> Tensor:
    """Weights that add up to 1, or all 0."""
    return weights / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)


def signed_distance(inside: np.ndarray, known: np.ndarray) -> np.ndarray:
    """How far each pixel is from the boundary of a shape, negative within; distances are to pixels that are known.

    Args:
        inside: Where the shape is, booleans of any shape.
        known: Where it is known whether it is there, of the same shape.

    Example:
        >>> signed_distance(np.array([False, False, True, True]), np.ones(4, bool)).tolist()
        [2.0, 1.0, 0.0, -1.0]
    """
    shape, rest = inside & known, ~inside & known
    if not (shape.any() and rest.any()):
        return np.zeros(inside.shape)
    distance = require("scipy.ndimage", extra="training").distance_transform_edt
    return np.where(inside, 1 - distance(~rest), distance(~shape))


class SegmentationLoss(nn.Module):
    """The sum that a :class:`Loss` names; ``0.5 CE + (1 - Dice)`` unless another is asked for.

    Args:
        classes: Channels of the logits: 1, or the number of exclusive classes, background included.
        loss: Which.
        weights: Of the classes, background first; None: equal.

    Shape:
        logits (B, classes, *) and truth (B, 1, *), the class of each pixel or 255, to a scalar.

    Example:
        >>> loss = SegmentationLoss(1, Loss(name="tversky"))
        >>> round(loss(torch.full((1, 1, 8, 8), 20.0), torch.ones(1, 1, 8, 8)).item(), 6)
        0.0
    """

    def __init__(self, classes: int = 1, loss: Loss | None = None, weights: Sequence[float] | None = None):
        super().__init__()
        loss = loss or Loss()
        each = torch.ones(max(classes, 2)) if weights is None else torch.tensor(weights)
        channels = each if classes > 1 else torch.ones(1)
        dice, entropy = (1.0, Overlap(channels)), (0.5, Entropy(each))
        parts = {
            "dice_ce": lambda: [entropy, dice],
            "tversky": lambda: [(1.0, Overlap(channels, (loss.false_positives, loss.false_negatives)))],
            "focal": lambda: [(1.0, Entropy(each, loss.focus)), dice],
            "boundary": lambda: [entropy, dice, (loss.boundary, Boundary(channels[-(max(classes, 2) - 1) :]))],
        }[loss.name]()
        self.factors = [factor for factor, _ in parts]
        self.parts = nn.ModuleList(part for _, part in parts)

    def forward(self, logits: Tensor, truth: Tensor) -> Tensor:
        """The loss of a batch."""
        # Sums over a whole image are beyond bfloat16's eight bits.
        pair = Compared(logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits, truth)
        return torch.stack([factor * part(pair) for factor, part in zip(self.factors, self.parts, strict=True)]).sum()


def loss_of(classes: int, loss: Loss, facts: Mapping[str, Any]) -> SegmentationLoss:
    """The loss of a run.

    Args:
        classes: Channels of the logits.
        loss: Which.
        facts: What the run noted, ``class_weights`` among it where they were counted.
    """
    weights = {"equal": None, "balanced": facts.get("class_weights")}
    return SegmentationLoss(classes, loss, weights[loss.weights] if isinstance(loss.weights, str) else loss.weights)
