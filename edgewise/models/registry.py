"""Models by name, each knowing the settings that rebuild it."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from edgewise._errors import ConfigError
from edgewise._registry import Registry
from edgewise.bases import Basis, create_basis
from edgewise.bases.basis import BASES

MODELS: Registry[Callable[..., nn.Module]] = Registry("model")
register_model = MODELS.register
SIDE = 32  # of pictures that every network takes which does not ask for one size


def list_models() -> list[str]:
    """Names of all registered models.

    Example:
        >>> "all_ukan" in list_models()
        True
    """
    return list(MODELS)


def create_model(
    name: str, *, features_only: bool = False, out_indices: int | Sequence[int] | None = None, **options
) -> nn.Module:
    """Make a model by its name; ``model.config`` holds what rebuilds it, in plain JSON types.

    ``model.example_input(batch_size=2)`` is an input that it takes; see :class:`ExampleInput`.

    Args:
        name: One of :func:`list_models`.
        features_only: Make the maps of a classifier's stages instead of logits; see :class:`edgewise.models.Features`.
        out_indices: Of which stages; all by default.
        **options: The model's own; a basis may be given as an object, by its name or as ``{"name": ..., **settings}``.

    Raises:
        ConfigError: The name or an option is unknown (the message names the nearest), or a value is impossible.

    Example:
        >>> model = create_model("kan", width=[2, 5, 1])
        >>> rebuilt = create_model(model.config["name"], **model.config["options"])
    """
    options = {key: basis_from(value) if key == "basis" else from_plain(value) for key, value in options.items()}
    model = MODELS.create(name, **options)
    if not hasattr(model, "config"):  # a network that changes its shape knows its settings itself
        settings = inspect.signature(MODELS[name]).bind(**options)
        settings.apply_defaults()
        plain = {key: to_plain(value) for key, value in settings.arguments.items()}
        if "pretrained" in plain:  # the weights come from elsewhere when it is rebuilt
            plain["pretrained"] = False
        model.config = {"name": name, "options": plain}
    if features_only:
        from edgewise.models.features import Features  # of a classifier, whose layers are registered here

        config, model = model.config, Features(model, out_indices)
        config["options"] |= {"features_only": True, "out_indices": model.out_indices}
        model.config = config
    elif out_indices is not None:
        raise ConfigError(f"out_indices={out_indices} asks for maps, and the network makes logits: add features_only=True")
    shape = _input_shape(model.config["options"])
    if not hasattr(model, "example_input") and shape is not None:
        model.example_input = ExampleInput(model, shape)
    return model


@dataclass(frozen=True, eq=False)
class ExampleInput:
    """Makes inputs that a model takes, the same each time: of N(0, 1), in the type and on the device of its parameters.

    It follows the names of the model's options: pictures of ``in_channels`` and, where there is one, side ``image_size``;
    or rows of ``width[0]``. A model whose options have neither has a method ``example_input`` of its own, or none.

    Args:
        model: The model.
        shape: Of one sample.

    Example:
        >>> create_model("cnn", in_channels=1).example_input(batch_size=4).shape
        torch.Size([4, 1, 32, 32])
    """

    model: nn.Module
    shape: tuple[int, ...]

    def __call__(self, batch_size: int = 2) -> Tensor:
        like = next(self.model.parameters())
        return torch.randn(batch_size, *self.shape, generator=torch.Generator().manual_seed(0)).to(like)


def _input_shape(options: dict) -> tuple[int, ...] | None:
    match options:
        case {"in_channels": channels}:
            side = options.get("image_size", SIDE)
            return channels, side, side
        case {"width": [first, *_]}:
            return (first,)
    return None


def basis_from(value):
    """The option ``basis``: as :func:`from_plain`, and names, alone or in a list, stand for bases at their defaults."""
    if isinstance(value, str):
        return create_basis(value)
    return [basis_from(item) for item in value] if isinstance(value, (list, tuple)) else from_plain(value)


def from_plain(value):
    """The inverse of :func:`to_plain`, as far as bases and lists go."""
    if isinstance(value, dict) and "name" in value:
        return create_basis(**{key: from_plain(setting) for key, setting in value.items()})
    return [from_plain(item) for item in value] if isinstance(value, list) else value


def to_plain(value):
    """A setting in plain JSON types: a basis as ``{"name": ..., **settings}``, a tuple as a list."""
    if isinstance(value, Basis):
        name = next((name for name in BASES if BASES[name] is type(value)), None)
        if name is None:
            kind = type(value).__name__
            raise ConfigError(f"basis {kind} has no name to rebuild the network by: put @register_basis(...) on its class")
        return {"name": name} | {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    return [to_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
