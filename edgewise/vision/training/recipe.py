"""What a training run is made of, as one frozen tree of dataclasses that goes to JSON and back without loss.

Reading is strict: an unknown key, a missing type or a value out of range is refused by name, because a misspelt setting
that is silently ignored costs a day of training.
"""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from edgewise._registry import unknown
from edgewise.vision.training.strict import read_setting, require_that


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
        require_that(min(self.size) >= 1, "data.size", self.size, "two positive numbers of pixels")
        require_that(self.channels >= 1, "data.channels", self.channels, "at least 1")
        require_that(self.classes >= 1, "data.classes", self.classes, "at least 1")


@dataclass(frozen=True, kw_only=True)
class Model:
    """Which network; its channels and classes follow from the data."""

    name: str = "all_ukan"
    """Registered model (`edgewise models` lists them)."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further options of the model, as JSON."""
    start: dict[str, str] = field(default_factory=dict)
    """Run folders whose weights parts of it start from, as JSON: {"": "runs/pretrained"}, or {"teacher": ...}."""

    def __post_init__(self):
        free = {"in_channels", "num_classes"}.isdisjoint(self.options)
        require_that(
            free, "model.options", self.options, "without in_channels and num_classes: data.channels, data.classes"
        )


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
            require_that(getattr(self, rate) > 0, f"optimiser.{rate}", getattr(self, rate), "above 0")
        for rate in ("weight_decay", "final_learning_rate"):
            require_that(getattr(self, rate) >= 0, f"optimiser.{rate}", getattr(self, rate), "0 or above")


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
    strategy: str = "auto"
    """How several devices work together: Lightning's auto, ddp, fsdp ..."""
    workers: int = 0
    """Processes that read images beside the one that trains."""

    def __post_init__(self):
        require_that(self.workers >= 0, "machine.workers", self.workers, "0 or above")


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

    task: ClassVar[str] = "segmentation"

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
    keep_every: int | None = None
    """Also keep the network before training and after every so many epochs, in ``epochs``; none: only best and last."""

    def __post_init__(self):
        require_that(self.epochs >= 1, "epochs", self.epochs, "at least 1")
        require_that(self.batch_size >= 1, "batch_size", self.batch_size, "at least 1")
        require_that(0 <= self.seed < 2**32, "seed", self.seed, "from 0 to 2**32 - 1")
        for name in ("patience", "keep_every"):
            value = getattr(self, name)
            require_that(value is None or value >= 1, name, value, "at least 1, or none")

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain JSON values."""
        return json.loads(json.dumps(dataclasses.asdict(self), allow_nan=False))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Recipe":
        """The recipe that :meth:`to_dict` wrote, of whichever task; keys left out keep their defaults.

        Raises:
            ConfigError: An unknown key or task (the nearest known one is named), a value of another type or out of range.
        """
        if not isinstance(values, dict) or "task" not in values:
            return read_setting(cls, values, where="")
        kinds = {kind.task: kind for kind in (Recipe, *Recipe.__subclasses__())}
        if values["task"] not in kinds:
            raise unknown("task", str(values["task"]), kinds)
        return read_setting(kinds[values["task"]], {k: v for k, v in values.items() if k != "task"}, where="")


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
