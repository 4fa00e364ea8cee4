"""What the training of a diffusion model is made of."""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from edgewise.vision.generation.sampler import Sampler
from edgewise.vision.generation.schedule import NoiseSchedule
from edgewise.vision.training.recipe import Data, Model, Recipe
from edgewise.vision.training.strict import require_that, require_used


@dataclass(frozen=True, kw_only=True)
class PictureData(Data):
    """Which pictures to learn from."""

    name: str = "pictures"
    size: tuple[int, int] = (64, 64)
    """Height and width in pixels of what is made; pictures are cut to this aspect and made smaller, never larger."""
    mirror: bool = True
    """Mirror every other training picture, so that samples come mirrored too."""
    classes: int | None = None
    """Make pictures for masks, of so many classes: 1 for one foreground, more with the background among them. None: masks
    are not looked at."""

    def __post_init__(self):
        super().__post_init__()
        require_that(self.channels in (1, 3), "data.channels", self.channels, "1 (grey) or 3 (colour)")
        require_that(self.classes is None or self.classes >= 1, "data.classes", self.classes, "at least 1, or none")

    @property
    def mask_channels(self) -> int:
        """How many channels a network is given beside those of a picture: one for each foreground class."""
        return 0 if self.classes is None else max(self.classes - 1, 1)


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How noise comes into pictures."""

    schedule: Literal["cosine", "linear"] = "cosine"
    """Shares of noise by step: the cosine of Nichol and Dhariwal, or the line of Ho et al."""
    steps: int = 1000
    """From the picture to noise alone."""

    def __post_init__(self):
        require_that(self.steps >= 2, "noise.steps", self.steps, "at least 2")

    def make(self) -> NoiseSchedule:
        """The schedule."""
        return NoiseSchedule.of(self.schedule, self.steps)


@dataclass(frozen=True, kw_only=True)
class DiffusionAdam:
    """Adam, its rates falling along a cosine over the run, its gradients clipped."""

    learning_rate: float = 1e-3
    """Learning rate of dense weights, biases and norms."""
    coefficient_factor: float = 1.0
    """The learning rate of coefficients of edge functions is so many times that."""
    final_learning_rate: float = 1e-5
    """Both learning rates fall to this."""
    clip: float = 1.0
    """Largest norm of the gradient."""

    def __post_init__(self):
        for name in ("learning_rate", "coefficient_factor", "clip"):
            require_that(getattr(self, name) > 0, f"optimiser.{name}", getattr(self, name), "above 0")
        rule = f"from 0 to optimiser.learning_rate, {self.learning_rate}, since a cosine falls"
        falls = 0 <= self.final_learning_rate <= self.learning_rate
        require_that(falls, "optimiser.final_learning_rate", self.final_learning_rate, rule)

    def with_rates(self, learning_rate: float, coefficient_factor: float) -> "DiffusionAdam":
        """The same settings with these rates."""
        return replace(self, learning_rate=learning_rate, coefficient_factor=coefficient_factor)


@dataclass(frozen=True, kw_only=True)
class Judge:
    """The classifier whose features samples and real pictures are compared by."""

    run: str | None = None
    """A run of classification; none: a small network is trained to tell how far a training picture was turned."""
    steps: int = 500
    """Steps of that small network, 32 pictures each."""
    most: int = 500
    """Held-out pictures, and as many samples, that are compared at most."""

    def __post_init__(self):
        require_that(self.steps >= 1, "judge.steps", self.steps, "at least 1")
        require_that(self.most >= 2, "judge.most", self.most, "at least 2")
        require_used(self.run is None, self, "judge.steps", "with judge.run, which is trained", "leave run out")


@dataclass(frozen=True, kw_only=True)
class GenerationRecipe(Recipe):
    """Everything the training of a diffusion model depends on.

    Example:
        >>> recipe = GenerationRecipe(noise=Noise(schedule="linear"))
        >>> Recipe.from_dict(recipe.to_dict()) == recipe
        True
    """

    task: ClassVar[str] = "generation"

    data: PictureData = field(default_factory=PictureData)
    model: Model = field(default_factory=lambda: Model(name="ukan_diffusion"))
    noise: Noise = field(default_factory=Noise)
    optimiser: DiffusionAdam = field(default_factory=DiffusionAdam)
    sampler: Sampler = field(default_factory=Sampler)
    judge: Judge = field(default_factory=Judge)
    epochs: int = 500
    """Passes over the training pictures."""
    batch_size: int = 16
    """Pictures a step."""
    ema: float = 0.999
    """Decay a step of the moving average of the weights, which is validated, kept and sampled from; less in early steps."""

    def __post_init__(self):
        super().__post_init__()
        require_that(0 < self.ema < 1, "ema", self.ema, "between 0 and 1")
