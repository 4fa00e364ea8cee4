"""From the name of a model and the data to a network that segments: what follows from the data is filled in."""

from typing import Any

import torch
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.models.registry import MODELS, create_model, takes_of
from edgewise.models.takes import Pictures
from edgewise.nn.modes import keeping_modes
from edgewise.vision.training.recipe import Model


def create_segmenter(model: Model, channels: int, classes: int, size: tuple[int, int]) -> nn.Module:
    """The registered model for images ``(N, channels, *size)``; its logits are ``(N, classes, *size)``.

    Raises:
        ConfigError: The name or an option is unknown, or the model has no logits for each pixel.
    """
    takes = takes_of(model.name)
    if not isinstance(takes, Pictures) or not takes.dense:
        known = MODELS.that(lambda takes: isinstance(takes, Pictures) and takes.dense)
        raise ConfigError(
            f"model {model.name!r} {takes.what}, and a segmentation needs logits for each pixel, "
            f"takes=Pictures(dense=True): choose one of {', '.join(known)}"
        )
    if takes.side is not None and size[0] != size[1]:
        raise ConfigError(f"model {model.name!r} takes square pictures and data.size is {size}: make both sides equal")
    options: dict[str, Any] = {**takes.options_for(channels, classes, size[0]), **model.options}
    network = create_model(model.name, **options)
    _check(network, model, channels, classes, size)
    return network


def _check(network: nn.Module, model: Model, channels: int, classes: int, size: tuple[int, int]) -> None:
    """Refuse a network whose output is not one logit for each class and pixel, before anything is trained."""
    with keeping_modes(network), torch.no_grad():
        try:
            found = tuple(network.eval()(torch.zeros(1, channels, *size)).shape)
        except (RuntimeError, ConfigError) as error:
            raise ConfigError(
                f"model {model.name!r} cannot take pictures of {channels} channels and {size[0]} x {size[1]} pixels "
                f"({str(error).splitlines()[0]}): change data.size or model.options"
            ) from error
    if found != (1, classes, *size):
        raise ConfigError(
            f"model {model.name!r} makes {found} of a picture, and {classes} classes need {(1, classes, *size)}: change "
            "model.options or data.classes"
        )
