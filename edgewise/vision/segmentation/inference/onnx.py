"""An ONNX file of a segmentation as a predictor: all that it must know is in the file's metadata."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from edgewise._ground.errors import CheckpointError, ConfigError
from edgewise._ground.optional import require
from edgewise.vision.data import Preprocess
from edgewise.vision.segmentation.decision import Decision
from edgewise.vision.segmentation.inference.opened import Opened
from edgewise.vision.segmentation.predict import Predictor

Made = TypeVar("Made")


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

    @property
    def task(self) -> str | None:
        """What it was trained for; None where edgewise did not write the file."""
        return self.metadata.get("task") if "edgewise" in self.metadata else None

    def forward(self, x: Tensor) -> Tensor:
        """The first output of an input."""
        [output, *_] = self.session.run(None, {self.session.get_inputs()[0].name: x.numpy()})
        return torch.from_numpy(output)


def task_in(path: Path) -> str | None:
    """What an ONNX file was trained for, such as ``segmentation``; None where edgewise did not write it.

    Raises:
        CheckpointError: It is missing, or no ONNX file.
    """
    return OnnxNetwork(path).task


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

    def opened(network: OnnxNetwork, given: Mapping[str, Any], made: Mapping[str, Any]) -> Opened:
        of_file = (decision or Decision()).over(decision_in(made))
        predictor = Predictor(network, _preprocess(given), "cpu", of_file, given["symmetry"])
        return Opened(predictor, _facts(given, made), 1 if made["activation"] == "sigmoid" else len(made["classes"]))

    return read_onnx(path, device, "segmentation", opened)


def read_onnx(
    path: Path, device: str, task: str, opened: Callable[[OnnxNetwork, Mapping[str, Any], Mapping[str, Any]], Made]
) -> Made:
    """What is made of a network in an ONNX file, and of what the file says of its input and its output.

    Args:
        path: The file.
        device: The processor; another is refused.
        task: What it must be of.
        opened: Makes it.

    Raises:
        CheckpointError: The file is missing, no ONNX file, of another library or task, or too old to say all.
        ConfigError: Another device is asked for.
    """
    if torch.device(device).type != "cpu":
        raise ConfigError(f"device is {device!r} and ONNX files are computed on the cpu: leave it out, or give the run")
    network = OnnxNetwork(path)
    if network.task != task:
        what = "was not written by edgewise" if network.task is None else f"is of {network.task}"
        raise CheckpointError(f"{path} {what} and makes no masks: give a run of {task}, or its ONNX file")
    try:
        return opened(network, *(json.loads(network.metadata[side]) for side in ("input", "output")))
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


def decision_in(made: Mapping[str, Any]) -> Decision:
    """What a file says of its output as a decision."""
    threshold = made["threshold"]
    bounds = () if threshold in (None, 0.5) else tuple(threshold) if isinstance(threshold, list) else (threshold,)
    return Decision(bounds, tuple(made["smallest"]), made["largest_component"])
