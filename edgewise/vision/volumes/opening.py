"""Runs on scans and ONNX files of them as one predictor of files, whether they see scans whole or slice by slice."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgewise._ground.errors import ConfigError
from edgewise.vision.data.intensity import scale_from
from edgewise.vision.data.legend import Legend
from edgewise.vision.segmentation.decision import Decision
from edgewise.vision.segmentation.inference.drawn import palette
from edgewise.vision.segmentation.inference.ensemble import Ensemble
from edgewise.vision.segmentation.inference.predicting import MaskPredictor
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.volumes.mirrored import Mirrored
from edgewise.vision.volumes.onnx import open_onnx_volumes
from edgewise.vision.volumes.opened import OpenedVolumes
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


def open_volume_predictor(
    runs: Sequence[Path], device: str = "cpu", decision: Decision | None = None, turned: bool = False
) -> OpenedVolumes:
    """What makes masks of files of scans: the best epoch of a run, an exported one, or the mean of several.

    Args:
        runs: Runs, and ONNX files of them.
        device: As in :func:`open_member`.
        decision: As there.
        turned: As there.

    Raises:
        CheckpointError: There is no run, it has done no epoch yet, or its model is corrupted.
        ConfigError: Several runs do not go together, or nothing was mirrored or turned in training, and is to be.
    """
    opened = [(open_onnx_volumes if path.suffix == ".onnx" else _open_run)(path, device, decision, turned) for path in runs]
    first = opened[0]
    for path, other in zip(runs, opened, strict=True):
        if other.levels != first.levels or (other.classes, other.colours) != (first.classes, first.colours):
            raise ConfigError(f"{path} has other intensities or classes than {runs[0]}: predict one by one")
        if other.channels != first.channels:
            raise ConfigError(
                f"{path} takes scans of {other.channels} channels and {runs[0]} of {first.channels}: predict one by one"
            )
    predictor = first.predictor if len(opened) == 1 else Ensemble([each.predictor for each in opened], decision)
    return replace(first, predictor=predictor)


def _open_run(run_dir: Path, device: str, decision: Decision | None, turned: bool) -> OpenedVolumes:
    folder = RunFolder(run_dir)
    data, facts = folder.read_recipe(ScanRecipe).data, folder.read_facts()
    legend = Legend.noted(facts, data.classes)
    read = {"window": facts["window"], "scale": scale_from(facts["scale"]), "given": data.options.get("spacing")}
    predictor = open_member(run_dir, device, decision, turned)
    return OpenedVolumes(predictor, read, data.channels, palette(legend.colours), legend.names)
