"""The segmentation loss: half a cross-entropy plus one minus Dice."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgewise._ground.optional import require
from edgewise.vision.data.coding import VOID


class SegmentationLoss(nn.Module):
    """``0.5 CE + (1 - Dice)``: soft Dice of each image (smoothed by 1e-5), averaged over images and classes.

    CE is the binary cross-entropy of the logits for one class and the softmax cross-entropy for several. Dice is
    taken per image, as U-KAN does, so that an image with a small object weighs as much as one with a large object. Pixels
    whose truth is void count in neither.

    Args:
        classes: Channels of the logits: 1, or the number of exclusive classes, background included.

    Shape:
        logits (B, classes, H, W) and truth (B, 1, H, W), the class of each pixel or 255, to a scalar.
    """

    def __init__(self, classes: int = 1):
        super().__init__()
        self.classes = classes
        # Probabilities and one map a class go in, so that both can be 0 where the truth is void.
        self.dice = require("monai.losses", extra="training").DiceLoss(smooth_nr=1e-5, smooth_dr=1e-5)

    def forward(self, logits: Tensor, truth: Tensor) -> Tensor:
        """The loss of a batch."""
        # Sums over a whole image are beyond bfloat16's eight bits.
        logits = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
        void = truth == VOID
        known = None if not void.any() else (~void).to(logits.dtype)
        truth = truth.masked_fill(void, 0)
        if self.classes == 1:
            probability, target = logits.sigmoid(), truth.to(logits.dtype)
            entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="mean" if known is None else "none")
        else:
            probability = logits.softmax(1)
            target = F.one_hot(truth.squeeze(1).long(), self.classes).movedim(-1, 1).to(logits.dtype)
            entropy = F.cross_entropy(logits, truth.squeeze(1).long(), reduction="mean" if known is None else "none")
        if known is not None:
            probability, target = probability * known, target * known
            entropy = (entropy * known.view_as(entropy)).sum() / known.sum().clamp(min=1)
        return 0.5 * entropy + self.dice(probability, target)
