"""An ONNX file of a network of volumes as a predictor: all that it must know is in the file's metadata."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgewise.vision.data.intensity import scale_from
from edgewise.vision.segmentation.decision import Decision
from edgewise.vision.segmentation.inference.drawn import palette
from edgewise.vision.segmentation.inference.onnx import OnnxNetwork, decision_in, read_onnx
from edgewise.vision.volumes.mirrored import Mirrored
from edgewise.vision.volumes.opened import OpenedVolumes
from edgewise.vision.volumes.predict import VolumePredictor
from edgewise.vision.volumes.preprocess import VolumePreprocess
from edgewise.vision.volumes.recipe import VolumeRecipe


def open_onnx_volumes(
    path: Path, device: str = "cpu", decision: Decision | None = None, turned: bool = False
) -> OpenedVolumes:
    """What makes masks of scans by an ONNX file alone.

    Args:
        path: A file that ``edgewise export`` made of a run of volumes.
        device: The processor; another is refused.
        decision: What is made of the probabilities; where it says nothing, what the file says.
        turned: Whether scans are mirrored too, as in training.

    Raises:
        CheckpointError: The file is missing, no ONNX file, of another library or task, or too old to say all.
        ConfigError: Another device is asked for, or scans were not mirrored in training.
    """

    def opened(network: OnnxNetwork, given: Mapping[str, Any], made: Mapping[str, Any]) -> OpenedVolumes:
        preprocess = VolumePreprocess(tuple(given["resample"]["spacing_mm"]))
        of_file = (decision or Decision()).over(decision_in(made))
        predictor = VolumePredictor(network, given["size"], preprocess, "cpu", of_file, given["symmetry"])
        scaling = {name: value for name, value in given["scaling"].items() if name != "clip"}
        of_all = scaling["kind"] == "window"
        read = {"window": scaling["any"] if of_all else None, "scale": None if of_all else scale_from(scaling)}
        return OpenedVolumes(
            Mirrored(predictor) if turned else predictor,
            read,
            given["channels"],
            palette(made["colours"]),
            tuple(made["classes"]),
        )

    return read_onnx(path, device, VolumeRecipe.task, opened)
