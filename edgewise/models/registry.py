"""Models by name, each knowing the settings that rebuild it."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import Registry, unknown
from edgewise.bases import Basis, BasisLike, as_basis
from edgewise.bases.basis import BASES
from edgewise.models.takes import Takes

Maker = TypeVar("Maker", bound=Callable[..., nn.Module])
PLACES = ("config", "_edgewise_config")  # where a model keeps what rebuilds it


class Models(Registry[Callable[..., nn.Module]]):
    """The models by name, and what each of them takes."""

    def __init__(self):
        super().__init__("model")
        self._takes: dict[str, Takes] = {}

    def register(self, name: str, takes: Takes = Takes()) -> Callable[[Maker], Maker]:  # noqa: B008 (frozen)
        """Decorator: make a class or function available under ``name``.

        Args:
            name: A new one.
            takes: What the model takes, :class:`~edgewise.models.Pictures` or :class:`~edgewise.models.Rows`. Without it
                the model can be made and saved; it is not trained from recipes, compared, tuned or given an
                ``example_input``.

        Raises:
            ConfigError: The name is taken, or ``takes`` names an option that there is not.

        Example:
            >>> from edgewise.models import Rows
            >>> @register_model("line", takes=Rows())
            ... def line(width=(2, 1)): return nn.Linear(*width)
            >>> create_model("line", width=[3, 1]).example_input().shape
            torch.Size([2, 3])
            >>> MODELS.unregister("line")
        """

        def add(maker: Maker) -> Maker:
            known = inspect.signature(maker).parameters
            strange = sorted(takes.names - known.keys())
            if strange and not any(p.kind is p.VAR_KEYWORD for p in known.values()):
                raise ConfigError(f"takes of model {name!r} names {strange[0]!r} and its options are {', '.join(known)}")
            super(Models, self).register(name)(maker)
            self._takes[name] = takes
            return maker

        return add

    def unregister(self, name: str) -> None:
        super().unregister(name)
        del self._takes[name]

    def that(self, fits: Callable[[Takes], bool]) -> list[str]:
        """Names of the models of which this holds.

        Example:
            >>> "unet" in MODELS.that(lambda takes: "each pixel" in takes.what)
            True
        """
        return [name for name in self if fits(self._takes[name])]

    def takes_of(self, name: str) -> Takes:
        """What a model takes.

        Raises:
            ConfigError: There is no such model.

        Example:
            >>> takes_of("ukan").dense
            True
        """
        if name not in self:
            raise unknown("model", name, self)
        return self._takes[self.spelling(name)]


MODELS = Models()
register_model, takes_of = MODELS.register, MODELS.takes_of


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
    takes, name = takes_of(name), MODELS.spelling(name)
    if isinstance(takes.basis, str) and takes.basis in options:
        options[takes.basis] = read_bases(options[takes.basis])
    model = MODELS.create(name, **options)
    if find_config(model) is None:  # a network that changes its shape knows its settings itself
        place = PLACES[1] if hasattr(model, "config") else PLACES[0]  # it may have one of its own kind
        setattr(model, place, {"name": name, "options": _plain_options(name, options)})
    if features_only:
        if not hasattr(model, "features_only"):
            raise ConfigError(f"{type(model).__name__} has no stages of maps: leave features_only off")
        model = model.features_only(out_indices)
    elif out_indices is not None:
        raise ConfigError(f"out_indices={out_indices} asks for maps, and the network makes logits: add features_only=True")
    shape = takes.sample_shape(config_of(model)["options"])
    if not hasattr(model, "example_input") and shape is not None:
        model.example_input = ExampleInput(model, shape)
    return model


def config_of(model: nn.Module) -> dict[str, Any]:
    """What rebuilds a model, ``{"name": ..., "options": {...}}``.

    It is ``model.config``, but where the model has something of its own by this name.

    Raises:
        ConfigError: The model was not made by :func:`create_model`.
    """
    config = find_config(model)
    if config is None:
        raise ConfigError(
            f"{type(model).__name__} has no config to rebuild it from: make it with edgewise.models.create_model"
        )
    return config


def find_config(model: nn.Module) -> dict[str, Any] | None:
    """The same; None if there is none."""
    return next(filter(_is_config, (getattr(model, place, None) for place in PLACES)), None)


def forget_config(model: nn.Module) -> None:
    """Take away what rebuilds a model, where it has become another one."""
    for place in PLACES:
        if _is_config(vars(model).get(place)):
            delattr(model, place)


def _is_config(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"name", "options"}


@dataclass(frozen=True, eq=False)
class ExampleInput:
    """Makes inputs that a model takes, the same each time: of N(0, 1), in the type and on the device of its parameters.

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


def read_bases(given: BasisLike | Sequence[BasisLike]) -> Basis | list[Basis]:
    """A basis as :func:`edgewise.bases.as_basis` reads it, or one for each layer."""
    if isinstance(given, Sequence) and not isinstance(given, str):
        return [as_basis(item) for item in given]
    return as_basis(given)


def _plain_options(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """All options in plain JSON types, those that were left out at their defaults."""
    settings = inspect.signature(MODELS[name]).bind(**options)
    settings.apply_defaults()
    values, takes = settings.arguments, takes_of(name)
    if isinstance(takes.basis, str) and takes.basis in values:
        values[takes.basis] = read_bases(values[takes.basis])
    if takes.fetched is not None:
        values[takes.fetched] = False
    return {key: to_plain(value) for key, value in values.items()}


def to_plain(value: Any) -> Any:
    """A setting in plain JSON types: a basis as ``{"name": ..., **settings}``, a tuple as a list."""
    if isinstance(value, Basis):
        name = next((name for name in BASES if BASES[name] is type(value)), None)
        if name is None:
            kind = type(value).__name__
            raise ConfigError(f"basis {kind} has no name to rebuild the network by: put @register_basis(...) on its class")
        return {"name": name} | {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    return [to_plain(item) for item in value] if isinstance(value, list | tuple) else value
