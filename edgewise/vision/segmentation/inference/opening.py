"""Runs, folders of runs and ONNX files as one predictor of files."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgewise._ground.errors import ConfigError
from edgewise.vision.segmentation.decision import Decision
from edgewise.vision.segmentation.inference.ensemble import Ensemble
from edgewise.vision.segmentation.inference.onnx import open_onnx
from edgewise.vision.segmentation.inference.opened import Opened
from edgewise.vision.segmentation.inference.turned import Turned
from edgewise.vision.segmentation.predict import Predictor
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.members import members_of


def open_predictor(
    runs: str | Path | Sequence[str | Path], device: str = "cpu", decision: Decision | None = None, turned: bool = False
) -> Opened:
    """What makes masks of files: the best epoch of a run, an exported one, or the mean of several.

    Args:
        runs: A folder made by :func:`edgewise.vision.train`, a folder of such, an ONNX file of one, or several of these.
        device: Where to compute.
        decision: What is made of the probabilities; where it says nothing, what the runs say.
        turned: Whether pictures are seen turned and flipped too, and probabilities averaged.

    Raises:
        CheckpointError: There is no run, it has done no epoch yet, or its model is corrupted.
        ConfigError: Several runs do not go together.
    """
    members = members_of([runs] if isinstance(runs, str | Path) else runs)
    opened = [(open_onnx if path.suffix == ".onnx" else _open_run)(path, device, decision) for path in members]
    first = opened[0]
    for path, other in zip(members, opened, strict=True):
        for what, one, same in (("levels", first.levels, other.levels), ("classes", first.classes, other.classes)):
            if one != same:
                raise ConfigError(f"{path} has other {what} than {members[0]}, {same} and {one}: predict them one by one")
    predictor = first.predictor
    if len(opened) > 1:
        predictor = Ensemble([each.predictor for each in opened], decision)
    return replace(first, predictor=Turned(predictor) if turned else predictor)


def _open_run(run_dir: Path, device: str, decision: Decision | None) -> Opened:
    folder = RunFolder(run_dir)
    predictor, classes = Predictor.from_run(run_dir, device, decision), folder.read_recipe(SegmentationRecipe).data.classes
    return Opened(predictor, folder.read_facts(), classes)
