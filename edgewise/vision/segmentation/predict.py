"""From a picture to its mask: by a trained run, at the picture's own size."""

from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from edgewise._ground.device import device_of
from edgewise._ground.errors import NonFiniteError
from edgewise.io import load_model
from edgewise.vision.data import Preprocess
from edgewise.vision.segmentation.decision import Decision, probabilities_of
from edgewise.vision.segmentation.inference.predicting import MaskPredictor
from edgewise.vision.segmentation.inference.tiles import slide
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.segmentation.tuned import decision_of
from edgewise.vision.training.folder import RunFolder

ROWS = 256
"""Rows of a picture that become probabilities at a time."""


class Predictor(MaskPredictor):
    """A network as a function from a picture to the class of each of its pixels.

    The picture is scaled as in training, its logits are resized bilinearly to the picture's own size, and only then
    decided upon: a mask as sharp as the network's resolution allows. What was learned in tiles is seen in windows that
    slide over the picture, a quarter of each overlapping the next; where they overlap, logits are averaged with weights
    that fall towards the borders of a window.

    Args:
        network: Maps (1, C, H, W) to logits (1, classes, H, W).
        preprocess: What its training images went through.
        device: Where to compute.
        decision: What is made of the probabilities.
        symmetry: How pictures were turned and flipped in training, as one of ``SYMMETRIES``.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocess: Preprocess,
        device: str | torch.device = "cpu",
        decision: Decision | None = None,
        symmetry: str = "turns",
    ):
        oblong = preprocess.size[0] != preprocess.size[1]
        super().__init__(decision, "flips" if oblong and symmetry == "turns" else symmetry)
        self.network = network.to(device_of(device)).eval()
        self.preprocess = preprocess
        self.device = device

    @classmethod
    def from_run(
        cls, run_dir: str | Path, device: str | torch.device = "cpu", decision: Decision | None = None
    ) -> "Predictor":
        """The best epoch of a run.

        Args:
            run_dir: The run.
            device: Where to compute.
            decision: What is made of the probabilities; where it says nothing, what the run says, with the threshold that
                was tuned for it.

        Raises:
            CheckpointError: There is no run, it has done no epoch yet, or its model is corrupted.

        Warns:
            EdgewiseWarning: The run is not finished.
        """
        folder = RunFolder(run_dir)
        recipe = folder.read_recipe(SegmentationRecipe)
        network, symmetry = load_model(folder.best_model()), recipe.augment.strength("symmetry")
        return cls(network, recipe.data.preprocess, device, decision_of(folder, decision), symmetry)

    @torch.no_grad()
    def probabilities(self, image: np.ndarray) -> Tensor:
        """The probability of each class (classes, H, W) of a picture (C, H, W) in [0, 1]; of one foreground (1, H, W).

        Raises:
            NonFiniteError: The network's answer holds a NaN or an infinity.
        """
        logits = self.preprocess.restore(self._logits(image)[0].float(), image.shape[1:]).cpu()
        if not all(bound.isfinite() for bound in logits.aminmax()):
            raise NonFiniteError(
                "the network's logits hold a NaN or an infinity: look for them in the picture, or train the network anew"
            )
        for rows in logits.split(ROWS, dim=1):  # in place, since a picture may be large
            rows.copy_(probabilities_of(rows))
        return logits

    def _logits(self, image: np.ndarray) -> Tensor:
        """Logits (1, classes, H, W) at the size of the input."""
        like = next(chain(self.network.parameters(), self.network.buffers()))
        batch = self.preprocess.image(np.ascontiguousarray(image))[None].to(like.device, like.dtype)
        return slide(self.network, batch, self.preprocess.size) if self.preprocess.fit == "tiles" else self.network(batch)
