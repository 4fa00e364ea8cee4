"""The names in an ONNX file, and its metadata: what a reader needs who has the file alone."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from edgewise._ground.version import __version__
from edgewise.models.deployment import Deployable, Deployment, deployment_of

SIZES = {2: "height", 3: "width"}


def known_of(model: nn.Module | Deployment | Deployable) -> Deployment:
    """What is known of something to be exported."""
    if isinstance(model, Deployment):
        return model
    if isinstance(model, Deployable):
        return model.deployment()
    return deployment_of(model)


def describe(model: Any, known: Deployment, example: Tensor, free: Sequence[int]) -> None:
    """Name inputs, outputs and free dimensions of a graph of onnx_ir, and note what is known, in place.

    Args:
        model: Of onnx_ir.
        known: What is known.
        example: Of the first input.
        free: Dimensions of the input that are free, beside the batch.
    """
    graph = model.graph
    _name(graph.inputs, known.inputs)
    _name(graph.outputs, known.outputs)
    dims = {str(graph.inputs[0].shape[0]): "batch"}
    dims |= {str(graph.inputs[0].shape[d]): SIZES.get(d, f"size{d}") for d in free}
    for value in (*graph.inputs, *graph.outputs):
        if value.shape is not None:
            for place, size in enumerate(value.shape):
                if str(size) in dims:
                    value.shape[place] = dims[str(size)]
    model.metadata_props["edgewise"] = __version__
    for name, value in _with_sizes(known.metadata, example, free).items():
        model.metadata_props[name] = value if isinstance(value, str) else json.dumps(value, allow_nan=False)


def _with_sizes(metadata: Mapping[str, Any], example: Tensor, free: Sequence[int]) -> dict[str, Any]:
    """The metadata, in which an input of pictures says which sizes it takes."""
    found = dict(metadata)
    if found.get("input", {}).get("layout") == "NCHW":
        height, width = example.shape[2:]
        found["input"] = {"size": [height, width], **found["input"], "size_free": bool(free)}
    return found


def _name(values: Sequence[Any], names: Sequence[str]) -> None:
    """Give values their names; where there are more than one, or fewer names, numbered by the first name."""
    if len(names) != len(values):
        names = [f"{names[0]}{number}" for number in range(len(values))]
    for value, name in zip(values, names, strict=True):
        value.name = name
