"""Models by name, each knowing the settings that rebuild it."""

import inspect
from collections.abc import Callable
from dataclasses import fields

from torch import nn

from edgewise._registry import Registry
from edgewise.bases import Basis, create_basis
from edgewise.bases.basis import BASES

MODELS: Registry[Callable[..., nn.Module]] = Registry("model")
register_model = MODELS.register


def list_models() -> list[str]:
    """Names of all registered models.

    Example:
        >>> "all_ukan" in list_models()
        True
    """
    return list(MODELS)


def create_model(name: str, **options) -> nn.Module:
    """Make a model by its name; ``model.config`` holds what rebuilds it, in plain JSON types.

    Args:
        name: One of :func:`list_models`.
        **options: The model's own; a basis may be given as an object or as ``{"name": ..., **settings}``.

    Raises:
        ConfigError: The name or an option is unknown (the message names the nearest), or a value is impossible.

    Example:
        >>> model = create_model("kan", width=[2, 5, 1])
        >>> rebuilt = create_model(model.config["name"], **model.config["options"])
    """
    options = {key: _from_plain(value) for key, value in options.items()}
    model = MODELS.create(name, **options)
    if not hasattr(model, "config"):  # a network that changes its shape knows its settings itself
        settings = inspect.signature(MODELS[name]).bind(**options)
        settings.apply_defaults()
        model.config = {"name": name, "options": {key: to_plain(value) for key, value in settings.arguments.items()}}
    return model


def _from_plain(value):
    if isinstance(value, dict) and "name" in value:
        return create_basis(**{key: _from_plain(setting) for key, setting in value.items()})
    return [_from_plain(item) for item in value] if isinstance(value, list) else value


def to_plain(value):
    """A setting in plain JSON types: a basis as ``{"name": ..., **settings}``, a tuple as a list."""
    if isinstance(value, Basis):
        (name,) = (name for name in BASES if BASES[name] is type(value))
        return {"name": name} | {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    return [to_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
