"""From the name of a model and the data to a network that segments: what follows from the data is filled in."""

from typing import Any, TypeGuard

import torch
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.models.registry import MODELS, create_model, takes_of
from edgewise.models.takes import Pictures, Takes, Volumes
from edgewise.nn.modes import keeping_modes
from edgewise.vision.training.recipe import Model


def create_segmenter(model: Model, channels: int, classes: int, size: tuple[int, ...]) -> nn.Module:
    """The registered model for images ``(N, channels, *size)``; its logits are ``(N, classes, *size)``.

    Args:
        model: Its name and options.
        channels: Channels of the images.
        classes: Channels of the logits.
        size: Height and width of pictures; depth, height and width of volumes.

    Raises:
        ConfigError: The name or an option is unknown, or the model has no logits for each pixel.
    """
    takes, space = takes_of(model.name), len(size)
    if not _segments(takes, space):
        what = "pixel, takes=Pictures(dense=True)" if space == 2 else "voxel, takes=Volumes()"
        raise ConfigError(
            f"model {model.name!r} {takes.what}, and a segmentation needs logits for each {what}: choose one of "
            f"{', '.join(MODELS.that(lambda takes: _segments(takes, space)))}"
        )
    if isinstance(takes, Pictures) and takes.side is not None and size[0] != size[1]:
        raise ConfigError(f"model {model.name!r} takes square pictures and data.size is {size}: make both sides equal")
    options: dict[str, Any] = {**takes.options_for(channels, classes, size[0]), **model.options}
    network = create_model(model.name, **options)
    _check(network, model, channels, classes, size)
    return network


def _segments(takes: Takes, space: int) -> TypeGuard[Pictures | Volumes]:
    """Whether a model has logits for each pixel of what has so many dimensions."""
    return isinstance(takes, Volumes) if space == 3 else isinstance(takes, Pictures) and takes.dense


def _check(network: nn.Module, model: Model, channels: int, classes: int, size: tuple[int, ...]) -> None:
    """Refuse a network whose output is not one logit for each class and pixel, before anything is trained."""
    with keeping_modes(network), torch.no_grad():
        try:
            found = tuple(network.eval()(torch.zeros(1, channels, *size)).shape)
        except (RuntimeError, ConfigError) as error:
            what, parts = ("pictures", "pixels") if len(size) == 2 else ("volumes", "voxels")
            raise ConfigError(
                f"model {model.name!r} cannot take {what} of {channels} channels and {' x '.join(map(str, size))} {parts} "
                f"({str(error).splitlines()[0]}): change data.size or model.options"
            ) from error
    if found != (1, classes, *size):
        raise ConfigError(
            f"model {model.name!r} makes {found} of an image, and {classes} classes need {(1, classes, *size)}: change "
            "model.options or data.classes"
        )
