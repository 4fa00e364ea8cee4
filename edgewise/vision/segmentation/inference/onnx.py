"""An ONNX file of a segmentation as a predictor: all that it must know is in the file's metadata."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edgewise._ground.errors import CheckpointError, ConfigError
from edgewise._ground.optional import require
from edgewise.vision.data import Preprocess
from edgewise.vision.segmentation.decision import Decision
from edgewise.vision.segmentation.inference.opened import Opened
from edgewise.vision.segmentation.predict import Predictor


class OnnxNetwork(nn.Module):
    """A network in an ONNX file, computed by ONNX Runtime.

    Args:
        path: The file.

    Raises:
        CheckpointError: It is missing, or ONNX Runtime cannot read it.
        MissingPackageError: onnxruntime is not installed.
    """

    def __init__(self, path: Path):
        super().__init__()
        runtime = require("onnxruntime", extra="export")
        if not path.is_file():
            raise CheckpointError(f"{path} does not exist: give a file made by `edgewise export`")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 4  # its errors are raised: no need to print them too
        try:
            self.session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors have no class in common
            reason = str(error).strip().splitlines()[0]
            raise CheckpointError(f"{path} cannot be read as ONNX ({reason}): export it again") from error
        self.metadata: Mapping[str, str] = self.session.get_modelmeta().custom_metadata_map
        kinds = {"tensor(float)": torch.float32, "tensor(double)": torch.float64, "tensor(float16)": torch.float16}
        self.register_buffer("like", torch.zeros((), dtype=kinds.get(self.session.get_inputs()[0].type, torch.float32)))

    def forward(self, x: Tensor) -> Tensor:
        """The first output of an input."""
        [output, *_] = self.session.run(None, {self.session.get_inputs()[0].name: x.numpy()})
        return torch.from_numpy(output)


def open_onnx(path: Path, device: str = "cpu", decision: Decision | None = None) -> Opened:
    """What makes masks of files by an ONNX file alone.

    Args:
        path: A file that ``edgewise export`` made of a run of segmentation.
        device: The processor; another is refused.
        decision: What is made of the probabilities; where it says nothing, what the file says.

    Raises:
        CheckpointError: The file is missing, no ONNX file, of another library or task, or too old to say all.
        ConfigError: Another device is asked for.
    """
    if torch.device(device).type != "cpu":
        raise ConfigError(f"device is {device!r} and ONNX files are computed on the cpu: leave it out, or give the run")
    network = OnnxNetwork(path)
    task = network.metadata.get("task") if "edgewise" in network.metadata else None
    if task != "segmentation":
        what = "was not written by edgewise" if task is None else f"is of {task}"
        raise CheckpointError(f"{path} {what} and makes no masks: give a run of segmentation, or its ONNX file")
    try:
        given, made = (json.loads(network.metadata[side]) for side in ("input", "output"))
        decision = (decision or Decision()).over(_decision(made))
        predictor = Predictor(network, _preprocess(given), "cpu", decision, given["symmetry"])
        return Opened(predictor, _facts(given, made), 1 if made["activation"] == "sigmoid" else len(made["classes"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} says too little of its pictures and masks ({type(error).__name__}: {error}): export it again by this "
            "edgewise"
        ) from error


def _preprocess(given: Mapping[str, Any]) -> Preprocess:
    channels, numbers = given["channels"], given["normalise"]
    mean, std = (tuple(numbers[name]) * (channels if len(numbers[name]) == 1 else 1) for name in ("mean", "std"))
    height, width = given["size"]
    return Preprocess((height, width), channels, mean, std, given["resize"]["fit"])


def _facts(given: Mapping[str, Any], made: Mapping[str, Any]) -> dict[str, Any]:
    """What the run noted, as :func:`edgewise.vision.data.reading.facts_of` says it."""
    scaling = given["scaling"]
    legend = {"masks": made["masks"], "legend": {"names": made["classes"], "colours": made["colours"]}}
    if scaling["kind"] != "window":
        return {"scale": {name: value for name, value in scaling.items() if name != "clip"}, **legend}
    plain = scaling["uint16"] == [0, 65535] and scaling["float"] == [0, 1]
    shallow = "all" if scaling["uint8"] != [0, 255] else "deep"
    return {"window": None if plain else scaling["float"], "window_of": shallow, **legend}


def _decision(made: Mapping[str, Any]) -> Decision:
    threshold = made["threshold"]
    bounds = () if threshold in (None, 0.5) else tuple(threshold) if isinstance(threshold, list) else (threshold,)
    return Decision(bounds, tuple(made["smallest"]), made["largest_component"])
