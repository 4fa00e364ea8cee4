"""What goes with a network to where edgewise is not: an input, names, and how its numbers are made and read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from edgewise.models.registry import find_config, takes_of
from edgewise.models.takes import Pictures, Rows, Takes


@dataclass(frozen=True, kw_only=True, eq=False)
class Deployment:
    """A network with what its users elsewhere must know.

    Attributes:
        network: The network.
        example: An input, or several, batch first; None: its ``example_input()``.
        inputs: Names of the inputs.
        outputs: Names of the outputs.
        free: Dimensions of the input beside the batch that may have any size.
        multiple: Of which number these sizes must be.
        metadata: What is to be known beside, in plain JSON values by name; ``docs/export.md`` says what is in it.
    """

    network: nn.Module
    example: Tensor | tuple[Tensor, ...] | None = None
    inputs: Sequence[str] = ("x",)
    outputs: Sequence[str] = ("y",)
    free: Sequence[int] = ()
    multiple: int = 1
    metadata: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Deployable(Protocol):
    """What knows how it is to be used elsewhere, such as an estimator that was fitted."""

    def deployment(self) -> Deployment:
        """Its network, and what goes with it."""
        ...


def deployment_of(model: nn.Module) -> Deployment:
    """What is known of a network by its registered name: the names of input and output, and which sizes are free.

    Pictures are ``image``, what is made of them ``logits``; everything else is ``x`` and ``y``.

    Example:
        >>> from edgewise.models import create_model
        >>> known = deployment_of(create_model("ukan"))
        >>> known.inputs, known.outputs, known.free, known.multiple
        (('image',), ('logits',), (2, 3), 32)
    """
    config = find_config(model)
    takes = takes_of(config["name"]) if config else Takes()
    options = config["options"] if config else {}
    facts = {} if config is None else {"model": config}
    if isinstance(takes, Pictures) and not options.get("features_only"):
        free, multiple = _free_sizes(model, takes)
        given = {"channels": options[takes.channels], "size_multiple": multiple}
        made = {"layout": "NCHW" if takes.dense else "NC", "channels": options.get(takes.classes)}
        return Deployment(
            network=model,
            inputs=("image",),
            outputs=("logits",),
            free=free,
            multiple=multiple,
            metadata={
                **facts,
                "input": {"name": "image", "layout": "NCHW", "dtype": dtype_of(model), **given},
                "output": {"name": "logits", **made},
            },
        )
    rows = (
        {"columns": [f"x_{n}" for n in range(1, model_columns(model, takes, options) + 1)]}
        if isinstance(takes, Rows)
        else {}
    )
    metadata = {**facts, "input": {"name": "x", "layout": "NC", "dtype": dtype_of(model), **rows}, "output": {"name": "y"}}
    return Deployment(network=model, metadata=metadata if isinstance(takes, Rows) else facts)


def model_columns(model: nn.Module, takes: Rows, options: Mapping[str, Any]) -> int:
    """How many numbers a row has that a network of rows takes."""
    inputs = getattr(model, "inputs", None)
    return max(inputs) + 1 if inputs else options[takes.width][0]


def dtype_of(model: nn.Module) -> str:
    """The type of a network's numbers, as numpy calls it; float32 where it has none."""
    like = next(model.parameters(), torch.zeros(()))
    return str(like.dtype).removeprefix("torch.")


def _free_sizes(model: nn.Module, takes: Pictures) -> tuple[tuple[int, ...], int]:
    """The dimensions that are free, and the number that their sizes must be multiples of."""
    fixed = takes.side is not None and getattr(model, "image_size", True) is not None  # some take any by an option
    return () if fixed else (2, 3), getattr(model, "size_multiple", 1)
