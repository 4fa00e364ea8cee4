"""Test-time augmentation of scans: each is seen in mirrors too, and probabilities are averaged."""

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.vision.segmentation.inference.predicting import MaskPredictor
from edgewise.vision.volumes.volume import Volume

MIRRORS = {"mirror": ((), (3,)), "flips": ((), (2,), (3,), (2, 3))}
"""Axes of a scan that lies as the body does, ``(C, D, H, W)``, that are turned round: its sides, also front and back."""


class Mirrored(MaskPredictor):
    r"""The mean of a predictor over mirrors :math:`g` of a scan along the axes of the body, each mirrored back.

    .. math:: p(x) = \frac{1}{|G|} \sum_{g \in G} g^{-1} f(g x)

    The mirrors are those of training: left and right, two, or also front and back, four. Quarter turns are left out, for
    voxels need not be square. The work is done as many times.

    Args:
        predictor: What predicts.

    Raises:
        ConfigError: Patches were not mirrored in training.
    """

    def __init__(self, predictor: MaskPredictor):
        super().__init__(predictor.decision, predictor.symmetry)
        self.predictor = predictor
        if self.symmetry == "none":
            raise ConfigError(
                "scans were not mirrored in training (augment.symmetry is none), so they cannot be now: leave tta out"
            )
        self._mirrors = MIRRORS["mirror" if self.symmetry == "mirror" else "flips"]

    def probabilities(self, image: Volume) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] (of volumes)
        """The mean of the probabilities ``(classes, D, H, W)`` of a scan in [0, 1]."""
        turned = image.turned()
        total = torch.zeros(())
        for axes in self._mirrors:
            seen = Volume(np.ascontiguousarray(np.flip(turned.array, axes)), turned.affine)
            total = total + self.predictor.probabilities(seen).flip(axes)  # pyright: ignore[reportArgumentType] (takes volumes)
        return torch.from_numpy(image.turned_back((total / len(self._mirrors)).numpy()))
