"""From a scan to its mask: by a trained run, at the scan's own voxels."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor, nn

from edgewise._ground.device import device_of
from edgewise._ground.errors import NonFiniteError
from edgewise.io import load_model
from edgewise.vision.segmentation.decision import Decision, probabilities_of
from edgewise.vision.segmentation.inference.predicting import MaskPredictor
from edgewise.vision.segmentation.inference.tiles import slide
from edgewise.vision.segmentation.tuned import decision_of
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.volumes.preprocess import VolumePreprocess
from edgewise.vision.volumes.recipe import VolumeRecipe
from edgewise.vision.volumes.volume import Volume


class VolumePredictor(MaskPredictor):
    """A network as a function from a scan to the class of each of its voxels.

    Args:
        network: Maps ``(1, C, *size)`` to logits ``(1, classes, *size)``.
        size: Of the windows that slide over a scan.
        preprocess: What its training scans went through.
        device: Where to compute.
        decision: What is made of the probabilities.
        symmetry: How patches were mirrored in training, as one of ``SYMMETRIES``.
    """

    def __init__(
        self,
        network: nn.Module,
        size: Sequence[int],
        preprocess: VolumePreprocess,
        device: str | torch.device = "cpu",
        decision: Decision | None = None,
        symmetry: str = "none",
    ):
        super().__init__(decision, symmetry)
        self.network = network.to(device_of(device)).eval()
        self.size, self.preprocess = size, preprocess

    @classmethod
    def from_run(
        cls, run_dir: str | Path, device: str | torch.device = "cpu", decision: Decision | None = None
    ) -> "VolumePredictor":
        """The best epoch of a run.

        Raises:
            CheckpointError: There is no run, it has done no epoch yet, or its model is corrupted.

        Warns:
            EdgewiseWarning: The run is not finished.
        """
        folder = RunFolder(run_dir)
        recipe, facts = folder.read_recipe(VolumeRecipe), folder.read_facts()
        preprocess, symmetry = VolumePreprocess(tuple(facts["spacing"])), recipe.augment.strength("symmetry")
        network, decision = load_model(folder.best_model()), decision_of(folder, decision)
        return cls(network, recipe.data.size, preprocess, device, decision, symmetry)

    @torch.no_grad()
    def probabilities(self, image: Volume) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] (of volumes)
        """The probability of each class ``(classes, D, H, W)`` of a scan in [0, 1]; of one foreground ``(1, D, H, W)``.

        Raises:
            NonFiniteError: The network's answer holds a NaN or an infinity.
        """
        like = next(chain(self.network.parameters(), self.network.buffers()))
        batch = self.preprocess.image(image)[None].to(like.device, like.dtype)
        logits = self.preprocess.restore(slide(self.network, batch, self.size)[0].float().cpu(), image)
        if not torch.isfinite(logits).all():
            raise NonFiniteError(
                "the network's logits hold a NaN or an infinity: look for them in the scan, or train the network anew"
            )
        return probabilities_of(logits)
