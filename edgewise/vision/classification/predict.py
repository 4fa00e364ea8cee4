"""From a picture to its class: by a trained run."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from edgewise._ground.device import device_of
from edgewise.io import load_model
from edgewise.vision.classification.images import view_of
from edgewise.vision.classification.network import of_pictures
from edgewise.vision.classification.recipe import ClassificationRecipe
from edgewise.vision.data import View
from edgewise.vision.training.folder import RunFolder


class ClassPredictor:
    """A network as a function from pictures to the logits of their classes.

    Args:
        network: Maps (B, C, H, W) to logits (B, classes).
        view: What it sees of a picture.
        device: Where to compute.
    """

    def __init__(self, network: nn.Module, view: View, device: str | torch.device = "cpu"):
        self.network = network.to(device_of(device)).eval()
        self.view = view
        self.device = device

    @classmethod
    def from_run(cls, run_dir: str | Path, device: str | torch.device = "cpu") -> "ClassPredictor":
        """The best epoch of a run.

        Raises:
            CheckpointError: There is no run, it has done no epoch yet, or its model is corrupted.

        Warns:
            EdgewiseWarning: The run is not finished.
        """
        folder = RunFolder(run_dir)
        return cls(
            of_pictures(load_model(folder.best_model())), view_of(folder.read_recipe(ClassificationRecipe).data), device
        )

    @torch.no_grad()
    def __call__(self, pictures: Sequence[np.ndarray]) -> Tensor:
        """The logits (B, classes) of pictures uint8 (H, W, C)."""
        like = next(self.network.parameters())
        return self.network(self.view(pictures).to(like.device, like.dtype)).cpu()
