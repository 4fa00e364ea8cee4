"""From the name of a model and the data to a network that segments: what follows from the data is filled in."""

from typing import Any

from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.models.registry import create_model, takes_of
from edgewise.models.takes import Pictures
from edgewise.vision.training.recipe import Model


def create_segmenter(model: Model, channels: int, classes: int, size: tuple[int, int]) -> nn.Module:
    """The registered model for images ``(N, channels, *size)``; its logits are ``(N, classes, *size)``.

    Raises:
        ConfigError: The name or an option is unknown, or the model has no logits for each pixel.
    """
    takes = takes_of(model.name)
    if not isinstance(takes, Pictures) or not takes.dense:
        raise ConfigError(
            f"model {model.name!r} is not registered as one with logits for each pixel, takes=Pictures(dense=True): choose "
            "one such as 'unet' or 'all_ukan'"
        )
    if takes.side is not None and size[0] != size[1]:
        raise ConfigError(f"model {model.name!r} takes square pictures and data.size is {size}: make both sides equal")
    options: dict[str, Any] = {**takes.options_for(channels, classes, size[0]), **model.options}
    return create_model(model.name, **options)
