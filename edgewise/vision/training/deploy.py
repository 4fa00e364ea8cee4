"""What the deployments of all tasks have in common."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from edgewise.models.deployment import Deployment, dtype_of
from edgewise.vision.training.recipe import Data


def network_in(
    known: Deployment, example: Tensor, task: str, data: Data, given: Mapping[str, Any], made: Mapping[str, Any]
) -> Deployment:
    """A network of pictures with what a run knows of them.

    Args:
        known: What is known of the network alone.
        example: Pictures as it takes them; zeros, from which random ones are made.
        task: What it was trained for.
        data: The pictures it was trained on.
        given: How a picture becomes the input.
        made: What the output means.
    """
    like = next(known.network.parameters())
    example = torch.randn(example.shape, generator=torch.Generator().manual_seed(0)).to(like)
    alone = known.metadata.get("input", {})
    image = {
        **alone,
        "name": "image",
        "layout": "NCHW",
        "dtype": dtype_of(known.network),
        "channels": data.channels,
        "colour_order": "RGB" if data.channels == 3 else "grey" if data.channels == 1 else "as trained",
        "size": list(data.size),
        "size_multiple": known.multiple,
        **given,
    }
    image.pop("columns", None)  # of networks of rows, which take pictures pixel by pixel
    logits = {**known.metadata.get("output", {}), "name": "logits", **made}
    metadata = {**known.metadata, "task": task, "dataset": data.name, "input": image, "output": logits}
    return replace(known, example=example, inputs=("image",), outputs=("logits",), metadata=metadata)
