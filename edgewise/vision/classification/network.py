"""From the name of a model and the data to a classifier: what follows from the data is filled in."""

from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.models.registry import MODELS, create_model, find_config, takes_of
from edgewise.models.takes import Pictures, Rows
from edgewise.vision.classification.recipe import LabelledData
from edgewise.vision.training.recipe import Model


def create_classifier(model: Model, data: LabelledData) -> nn.Module:
    """The registered model for these pictures and classes.

    A model of pictures gets their channels and classes, and their side where it takes only one. A model of rows, such as
    ``kan``, gets each picture as one row of its pixels; its options must make it take all of them and give all classes.

    Raises:
        ConfigError: The name or an option is unknown, or the network does not make one logit for each class.
    """
    network = of_pictures(create_model(model.name, **_from_data(model.name, data) | model.options))
    _check(network, model, data)
    return network


def of_pictures(network: nn.Module) -> nn.Module:
    """Let a registered network that takes rows take pictures too; any other is given back as it is.

    Example:
        >>> of_pictures(create_model("mlp", width=[12, 3]))(torch.zeros(2, 3, 2, 2)).shape
        torch.Size([2, 3])
    """
    config = find_config(network)
    if config is not None and isinstance(takes_of(config["name"]), Rows):
        network.register_forward_pre_hook(_as_rows)  # its config and the names of its weights stay what they are
    return network


def _as_rows(network: nn.Module, inputs: tuple[Tensor]) -> Tensor:
    """Pictures ``(N, C, H, W)`` as rows ``(N, C H W)``."""
    return inputs[0].flatten(1)


def _from_data(name: str, data: LabelledData) -> dict[str, Any]:
    """What the data says about the options of a model."""
    takes = takes_of(name)
    if isinstance(takes, Rows):
        return {}
    if not isinstance(takes, Pictures) or takes.dense:
        known = MODELS.that(lambda takes: isinstance(takes, Rows) or (isinstance(takes, Pictures) and not takes.dense))
        raise ConfigError(
            f"model {name!r} {takes.what}, and a classification needs those of a picture, takes=Pictures(...), or of rows, "
            f"takes=Rows(...): choose one of {', '.join(known)}"
        )
    height, width = data.size
    if takes.side is not None and height != width:
        raise ConfigError(f"model {name!r} takes square pictures and data.size is {data.size}: make both sides equal")
    return {**takes.options_for(data.channels, data.classes, height)}


def _check(network: nn.Module, model: Model, data: LabelledData) -> None:
    """Refuse a network whose output is not one logit for each class, before anything is trained."""
    training = network.training
    shape = (2, data.channels, *data.size)
    try:
        with torch.no_grad():
            found = tuple(network.eval()(torch.zeros(shape)).shape)
    except (RuntimeError, ConfigError) as error:
        raise ConfigError(
            f"model {model.name!r} cannot take pictures {shape[1:]}, which are {prod(shape[1:])} numbers in a row "
            f"({str(error).splitlines()[0]}): change model.options or data.size"
        ) from error
    network.train(training)
    if found != (2, data.classes):
        raise ConfigError(
            f"model {model.name!r} makes {found} of 2 pictures, and {data.classes} classes need (2, {data.classes}): "
            "change model.options or data.classes"
        )
