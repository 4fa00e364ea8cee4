"""The segmentation loss: half a cross-entropy plus one minus Dice."""

import torch
from torch import Tensor, nn

from edgewise._ground.optional import require


class SegmentationLoss(nn.Module):
    """``0.5 CE + (1 - Dice)``: soft Dice of each image (smoothed by 1e-5), averaged over images and classes.

    CE is the binary cross-entropy of the logits for one class and the softmax cross-entropy for several. Dice is
    taken per image, as U-KAN does, so that an image with a small object weighs as much as one with a large object.

    Args:
        classes: Channels of the logits: 1, or the number of exclusive classes, background included.

    Shape:
        logits (B, classes, H, W) and truth (B, 1, H, W), the class of each pixel, to a scalar.
    """

    def __init__(self, classes: int = 1):
        super().__init__()
        binary = classes == 1
        self.entropy = nn.BCEWithLogitsLoss() if binary else nn.CrossEntropyLoss()
        dice = require("monai.losses", extra="training").DiceLoss
        self.dice = dice(sigmoid=binary, softmax=not binary, to_onehot_y=not binary, smooth_nr=1e-5, smooth_dr=1e-5)
        self.binary = binary

    def forward(self, logits: Tensor, truth: Tensor) -> Tensor:
        """The loss of a batch."""
        # Sums over a whole image are beyond bfloat16's eight bits.
        logits = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
        target = truth.to(logits.dtype) if self.binary else truth.long()
        entropy = self.entropy(logits, target if self.binary else target.squeeze(1))
        return 0.5 * entropy + self.dice(logits, target)
