"""What a training run is made of, as one frozen tree of dataclasses that goes to JSON and back without loss.

Each task has a recipe of its own, with the data and the optimiser that it needs. Reading is strict: an unknown key, a
missing type or a value out of range is refused by name, because a misspelt setting that is silently ignored costs a day
of training.
"""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, Self, get_args

import torch

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import unknown
from edgewise.vision.training.strict import read_setting, require_finite, require_that


@dataclass(frozen=True, kw_only=True)
class Data:
    """Which pictures to learn from, and how they enter the network; each task adds what it needs to know."""

    name: str
    """Registered dataset (`edgewise data` lists them)."""
    root: str | None = None
    """Folder that holds it; none needed for datasets that edgewise fetches."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further options of the dataset, as JSON."""
    size: tuple[int, int]
    """Height and width in pixels that the network sees."""
    channels: int = 3
    """Colour channels that the network sees."""
    split_seed: int = 2981
    """Seed of the split into training, validation and test images."""

    def __post_init__(self):
        require_that(min(self.size) >= 1, "data.size", self.size, "two positive numbers of pixels")
        require_that(self.channels >= 1, "data.channels", self.channels, "at least 1")
        if (stated := self.options.get("channels", self.channels)) != self.channels:
            raise ConfigError(
                f"data.options gives channels={stated} and data.channels is {self.channels}, which is what the network "
                "sees: set data.channels, and leave the option out"
            )

    @property
    def test_images(self) -> tuple:
        """What decides which images a run is tested on, and what their truth is."""
        return self.name, self.root, self.options, self.split_seed


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
        own = {"name", "features_only", "out_indices"}.isdisjoint(self.options)
        require_that(own, "model.options", self.options, "without name, features_only and out_indices")
        free = {"in_channels", "num_classes"}.isdisjoint(self.options)
        require_that(
            free, "model.options", self.options, "without in_channels and num_classes: data.channels, data.classes"
        )


class Optimiser(Protocol):
    """What is asked of the settings of every optimiser: two learning rates, which a study may change."""

    @property
    def learning_rate(self) -> float:
        """Learning rate of the dense part."""
        ...

    @property
    def coefficient_factor(self) -> float:
        """The learning rate of coefficients of edge functions is so many times that."""
        ...

    def with_rates(self, learning_rate: float, coefficient_factor: float) -> Self:
        """The same settings with these rates."""
        ...


# Those that share the network out among devices are left out: what a run keeps are whole networks.
Strategy = Literal["auto", "ddp", "ddp_find_unused_parameters_true"]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where the run happens; what Lightning's trainer is told."""

    accelerator: str = "auto"
    """Lightning's accelerator: auto, cpu, gpu, mps ..."""
    devices: int | str = "auto"
    """How many devices, their numbers such as '0,2', or 'auto' for all there are."""
    # float16 is left out: its loss scaler skips non-finite gradients silently, and here they stop the run.
    precision: Literal["32-true", "bf16-mixed", "64-true"] = "32-true"
    """Lightning's precision."""
    strategy: Strategy = "auto"
    """How several devices work together: each has the whole network and a part of a batch; auto is ddp."""
    workers: int = 0
    """Processes that read images beside the one that trains."""

    def __post_init__(self):
        require_that(self.workers >= 0, "machine.workers", self.workers, "0 or above")
        known = get_args(Strategy)
        require_that(self.strategy in known, "machine.strategy", self.strategy, f"one of {', '.join(known)}")
        several = [part.strip() for part in str(self.devices).split(",")]
        fits = several == ["auto"] or (all(map(str.isdigit, several)) and several != ["0"])
        require_that(fits, "machine.devices", self.devices, "a number above 0, the devices' own as '0,2', or 'auto'")

    @property
    def pins(self) -> bool:
        """Whether batches are put where a GPU fetches them by itself, while it computes."""
        return self.accelerator not in ("cpu", "mps") and torch.cuda.is_available()


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What every training run depends on; the recipe of a task is a subclass that names it and has its data.

    Example:
        >>> from edgewise.vision.segmentation.recipe import SegmentationRecipe
        >>> recipe = SegmentationRecipe(epochs=3)
        >>> Recipe.from_dict(recipe.to_dict()) == recipe
        True
        >>> SegmentationRecipe.from_dict({"epoch": 3})
        Traceback (most recent call last):
        edgewise.ConfigError: unknown setting 'epoch'; did you mean 'epochs'? known: ...
    """

    task: ClassVar[str]

    data: Data
    model: Model = field(default_factory=Model)
    optimiser: Optimiser
    machine: Machine = field(default_factory=Machine)
    epochs: int = 40
    """Passes over the training images."""
    batch_size: int = 4
    """Images a step."""
    seed: int = 1029
    """Seed of the initial weights, the order of images, augmentation and stochastic layers."""
    patience: int | None = None
    """Stop after this many epochs without a better validation score; none: run all epochs."""
    tensorboard: bool = False
    """Also write TensorBoard events into the run folder."""
    keep_every: int | None = None
    """Also keep the network before training and after every so many epochs, in ``epochs``; none: only best and last."""

    def __post_init__(self):
        require_finite(self, "")
        require_that(self.epochs >= 1, "epochs", self.epochs, "at least 1")
        require_that(self.batch_size >= 1, "batch_size", self.batch_size, "at least 1")
        require_that(0 <= self.seed < 2**32, "seed", self.seed, "from 0 to 2**32 - 1")
        for name in ("patience", "keep_every"):
            value = getattr(self, name)
            require_that(value is None or value >= 1, name, value, "at least 1, or none")

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain JSON values, its task among them."""
        return {"task": self.task, **json.loads(json.dumps(dataclasses.asdict(self), allow_nan=False))}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The recipe that :meth:`to_dict` wrote; keys left out keep their defaults.

        Asked of ``Recipe``, it is of whichever task the values name; asked of a task's own recipe, they need not name it.

        Raises:
            ConfigError: An unknown key or task (the nearest known one is named), a value of another type or out of range.
        """
        if not isinstance(values, dict):
            return read_setting(cls, values, where="")
        kinds = {
            kind.task: kind for kind in _family(cls) if "task" in vars(kind)
        }  # what inherits it is no recipe of its own
        task = values.get("task", getattr(cls, "task", None))
        if task is None:
            raise ConfigError(f"the recipe names no task: give it one of {', '.join(sorted(kinds))}")
        if not isinstance(task, str) or task not in kinds:
            raise unknown("task", str(task), kinds)
        return read_setting(kinds[task], {key: value for key, value in values.items() if key != "task"}, where="")


def _family(kind: type) -> list[type]:
    return [kind, *(heir for child in kind.__subclasses__() for heir in _family(child))]


def differences(one: Recipe, other: Recipe) -> list[str]:
    """Dotted names of the settings in which two recipes differ.

    Example:
        >>> from edgewise.vision.segmentation.recipe import SegmentationRecipe
        >>> differences(SegmentationRecipe(), SegmentationRecipe(epochs=3, model=Model(name="unet")))
        ['model.name', 'epochs']
    """
    return _differences(one.to_dict(), other.to_dict(), prefix="")


def _differences(one: Any, other: Any, prefix: str) -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = list(dict.fromkeys([*one, *other]))
        return [name for key in keys for name in _differences(one.get(key), other.get(key), f"{prefix}.{key}")]
    return [] if one == other else [prefix.removeprefix(".")]
