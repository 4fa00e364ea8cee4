"""A run on scans as a predictor of scans, whether it sees them whole or slice by slice."""

from pathlib import Path

from edgewise.vision.segmentation.decision import Decision
from edgewise.vision.segmentation.inference.predicting import MaskPredictor
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.volumes.mirrored import Mirrored
from edgewise.vision.volumes.predict import VolumePredictor
from edgewise.vision.volumes.recipe import ScanRecipe
from edgewise.vision.volumes.sliced.predict import SlicePredictor
from edgewise.vision.volumes.sliced.recipe import SliceRecipe


def open_member(
    run_dir: str | Path, device: str = "cpu", decision: Decision | None = None, turned: bool = False
) -> MaskPredictor:
    """The best epoch of a run on scans.

    Args:
        run_dir: The run.
        device: Where to compute.
        decision: What is made of the probabilities; where it says nothing, what the run says.
        turned: Whether scans are mirrored too, or their slices turned and flipped, as in training.

    Raises:
        CheckpointError: There is no run, it has done no epoch yet, or its model is corrupted.
        ConfigError: Nothing was mirrored or turned in training, and is to be.

    Warns:
        EdgewiseWarning: The run is not finished.
    """
    if isinstance(RunFolder(run_dir).read_recipe(ScanRecipe), SliceRecipe):
        return SlicePredictor.from_run(run_dir, device, decision, turned)
    predictor = VolumePredictor.from_run(run_dir, device, decision)
    return Mirrored(predictor) if turned else predictor
