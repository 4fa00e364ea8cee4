"""What a training run is made of, as one frozen tree of dataclasses that goes to JSON and back without loss.

Reading is strict: an unknown key, a missing type or a value out of range is refused by name, because a misspelt setting
that is silently ignored costs a day of training.
"""

import dataclasses
import json
import types
import typing
from dataclasses import dataclass, field
from typing import Any, Literal

from edgewise._errors import ConfigError
from edgewise._registry import unknown


@dataclass(frozen=True, kw_only=True)
class Data:
    """Which images to learn from, and how they enter the network."""

    name: str = "nuclei"
    """Registered dataset (`edgewise data` lists them)."""
    root: str | None = None
    """Folder that holds it; none needed for datasets that edgewise fetches."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further options of the dataset, as JSON."""
    size: tuple[int, int] = (128, 128)
    """Height and width in pixels that the network sees."""
    channels: int = 3
    """Colour channels that the network sees."""
    classes: int = 1
    """1 for one foreground (sigmoid); more for that many exclusive classes, background included (softmax)."""
    split_seed: int = 2981
    """Seed of the split into training, validation and test images (2981, 6142 and 1187 are published)."""
    augment: bool = True
    """Quarter turns and flips of the training images."""

    def __post_init__(self):
        _require(min(self.size) >= 1, "data.size", self.size, "two positive numbers of pixels")
        _require(self.channels >= 1, "data.channels", self.channels, "at least 1")
        _require(self.classes >= 1, "data.classes", self.classes, "at least 1")


@dataclass(frozen=True, kw_only=True)
class Model:
    """Which network; its channels and classes follow from the data."""

    name: str = "all_ukan"
    """Registered model (`edgewise models` lists them)."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further options of the model, as JSON."""

    def __post_init__(self):
        free = {"in_channels", "num_classes"}.isdisjoint(self.options)
        _require(free, "model.options", self.options, "without in_channels and num_classes: data.channels, data.classes")


@dataclass(frozen=True, kw_only=True)
class Optimiser:
    """Adam, with a learning rate for dense weights and one for the coefficients of edge functions."""

    learning_rate: float = 1e-3
    """Learning rate of dense weights, biases and norms."""
    coefficient_learning_rate: float = 5e-3
    """Learning rate of spline coefficients, scales and mixing weights of shared functions."""
    weight_decay: float = 1e-4
    """L2 penalty of every parameter, as in Adam (not decoupled)."""
    final_learning_rate: float = 1e-5
    """Both learning rates fall to this along a cosine over the run."""

    def __post_init__(self):
        for rate in ("learning_rate", "coefficient_learning_rate"):
            _require(getattr(self, rate) > 0, f"optimiser.{rate}", getattr(self, rate), "above 0")
        for rate in ("weight_decay", "final_learning_rate"):
            _require(getattr(self, rate) >= 0, f"optimiser.{rate}", getattr(self, rate), "0 or above")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where the run happens; handed to Lightning as it is."""

    accelerator: str = "auto"
    """Lightning's accelerator: auto, cpu, gpu, mps ..."""
    devices: int | str = "auto"
    """How many devices, or 'auto'."""
    # float16 is left out: its loss scaler skips non-finite gradients silently, and here they stop the run.
    precision: Literal["32-true", "bf16-mixed", "64-true"] = "32-true"
    """Lightning's precision."""
    workers: int = 0
    """Processes that read images beside the one that trains."""

    def __post_init__(self):
        _require(self.workers >= 0, "machine.workers", self.workers, "0 or above")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything a training run depends on.

    Example:
        >>> recipe = Recipe(epochs=3)
        >>> Recipe.from_dict(recipe.to_dict()) == recipe
        True
        >>> Recipe.from_dict({"epoch": 3})
        Traceback (most recent call last):
        edgewise._errors.ConfigError: unknown setting 'epoch'; did you mean 'epochs'? known: ...
    """

    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    optimiser: Optimiser = field(default_factory=Optimiser)
    machine: Machine = field(default_factory=Machine)
    epochs: int = 40
    """Passes over the training images."""
    batch_size: int = 4
    """Images a step."""
    seed: int = 1029
    """Seed of the initial weights, the order of images, augmentation and stochastic layers."""
    patience: int | None = None
    """Stop after this many epochs without a better validation IoU; none: run all epochs."""
    tensorboard: bool = False
    """Also write TensorBoard events into the run folder."""

    def __post_init__(self):
        _require(self.epochs >= 1, "epochs", self.epochs, "at least 1")
        _require(self.batch_size >= 1, "batch_size", self.batch_size, "at least 1")
        _require(0 <= self.seed < 2**32, "seed", self.seed, "from 0 to 2**32 - 1")
        _require(self.patience is None or self.patience >= 1, "patience", self.patience, "at least 1, or none")

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain JSON values."""
        return json.loads(json.dumps(dataclasses.asdict(self), allow_nan=False))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Recipe":
        """The recipe that :meth:`to_dict` wrote; keys left out keep their defaults.

        Raises:
            ConfigError: An unknown key (the nearest known one is named), a value of another type or out of range.
        """
        return _read(cls, values, where="")


def differences(one: Recipe, other: Recipe) -> list[str]:
    """Dotted names of the settings in which two recipes differ.

    Example:
        >>> differences(Recipe(), Recipe(epochs=3, model=Model(name="unet")))
        ['model.name', 'epochs']
    """
    return _differences(one.to_dict(), other.to_dict(), prefix="")


def _differences(one: Any, other: Any, prefix: str) -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = list(dict.fromkeys([*one, *other]))
        return [name for key in keys for name in _differences(one.get(key), other.get(key), f"{prefix}.{key}")]
    return [] if one == other else [prefix.removeprefix(".")]


def _require(holds: bool, name: str, value: object, rule: str) -> None:
    if not holds:
        raise ConfigError(f"{name} is {value!r} and must be {rule}")


def _read(hint: Any, value: Any, where: str) -> Any:
    """``value`` from JSON as the type ``hint`` says, or a ConfigError that names ``where``."""
    if dataclasses.is_dataclass(hint):
        return _read_dataclass(hint, value, where)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        choice = next((argument for argument in arguments if _is_json(argument, value)), None)
        fits = choice is not None
    elif origin is Literal:
        fits = value in arguments
    elif origin is tuple:
        fits = isinstance(value, list | tuple) and len(value) == len(arguments) and all(map(_is_json, arguments, value))
        value = tuple(value) if fits else value
    else:
        fits = _is_json(hint, value)
    if not fits:
        raise ConfigError(f"{where} is {value!r} and must be {_describe(hint)}")
    return float(value) if hint is float else value


def _read_dataclass(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ConfigError(f"{where or 'the recipe'} is {value!r} and must be an object of settings")
    hints = typing.get_type_hints(kind)
    for key in value:
        if key not in hints:
            raise unknown("setting", f"{where}.{key}".removeprefix("."), [f"{where}.{h}".removeprefix(".") for h in hints])
    return kind(**{key: _read(hints[key], item, f"{where}.{key}".removeprefix(".")) for key, item in value.items()})


def _is_json(hint: Any, value: Any) -> bool:
    """Whether a plain JSON value is of a plain type; True is no number, and a whole number is a float."""
    kind = typing.get_origin(hint) or hint
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _describe(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(hint)))
    return str(hint) if typing.get_origin(hint) else hint.__name__
