"""From the name of a model and the data to a network that finds noise."""

from typing import Any

import torch
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.models.registry import MODELS, create_model, takes_of
from edgewise.models.takes import NoisyPictures
from edgewise.nn.modes import keeping_modes
from edgewise.vision.generation.recipe import PictureData
from edgewise.vision.training.recipe import Model


def create_noise_predictor(model: Model, data: PictureData) -> nn.Module:
    """The registered model for noisy pictures ``(N, channels, *size)`` and steps ``(N,)``.

    Where pictures are made for masks, the channels of these are among them.

    Raises:
        ConfigError: The name or an option is unknown, the model finds no noise, or cannot take pictures of this size.
    """
    takes = takes_of(model.name)
    if not isinstance(takes, NoisyPictures):
        known = MODELS.that(lambda takes: isinstance(takes, NoisyPictures))
        raise ConfigError(
            f"model {model.name!r} {takes.what}, and a generation needs one that finds the noise in pictures, "
            f"takes=NoisyPictures(...): choose one of {', '.join(known)}"
        )
    channels = data.channels + data.mask_channels
    options: dict[str, Any] = {**takes.options_for(channels), **model.options}
    network = create_model(model.name, **options)
    shape = (1, channels, *data.size)
    with keeping_modes(network), torch.no_grad():
        try:
            found = tuple(network.eval()(torch.zeros(shape), torch.zeros(1, dtype=torch.int64)).shape)
        except (RuntimeError, ConfigError) as error:
            raise ConfigError(
                f"model {model.name!r} cannot take pictures (channels, height, width) {shape[1:]} "
                f"({str(error).splitlines()[0]}): change data.size or model.options"
            ) from error
    if found != shape:
        raise ConfigError(f"model {model.name!r} makes {found} of a picture {shape}, and noise has its shape: change it")
    return network
