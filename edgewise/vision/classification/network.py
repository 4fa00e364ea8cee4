"""From the name of a model and the data to a classifier: what follows from the data is filled in."""

import inspect
from collections.abc import Mapping
from math import prod

import torch
from torch import nn

from edgewise._errors import ConfigError
from edgewise.models.registry import MODELS, create_model
from edgewise.vision.classification.recipe import LabelledData
from edgewise.vision.training.recipe import Model


def create_classifier(model: Model, data: LabelledData) -> nn.Module:
    """The registered model for these pictures and classes.

    A model with an option ``num_classes`` takes pictures: it gets that, and ``in_channels`` and ``image_size`` where it has
    them. Any other, such as ``kan``, takes rows: pictures are flattened by the model ``rows`` around it, and its options
    must make it take all pixels and give all classes.

    Raises:
        ConfigError: The name or an option is unknown, or the network does not make one logit for each class.
    """
    if model.name == "rows":
        network = create_model("rows", **model.options)
    elif takes_rows(model.name):
        network = create_model("rows", model=model.name, options=model.options)
    else:
        network = create_model(model.name, **{**_from_data(model.name, data), **model.options})
    _check(network, model, data)
    return network


def takes_rows(name: str) -> bool:
    """Whether a registered model takes rows of numbers rather than pictures.

    Raises:
        ConfigError: The name is unknown.
    """
    return "num_classes" not in _options_of(name)


def _from_data(name: str, data: LabelledData) -> dict[str, int]:
    """What the data says about the options of a model of pictures."""
    facts = {"num_classes": data.classes, "in_channels": data.channels, "image_size": data.size[0]}
    known = _options_of(name)
    if "image_size" in known and data.size[0] != data.size[1]:
        raise ConfigError(f"model {name!r} takes square pictures and data.size is {data.size}: make both sides equal")
    return {option: value for option, value in facts.items() if option in known}


def _options_of(name: str) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(MODELS[name]).parameters


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
