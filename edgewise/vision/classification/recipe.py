"""What the training of a classifier is made of."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from edgewise.vision.training.recipe import Data, Model, Recipe
from edgewise.vision.training.strict import require_that, require_used


@dataclass(frozen=True, kw_only=True)
class LabelledData(Data):
    """Which pictures with classes to learn from, and how they enter the network."""

    name: str = "mnist"
    options: dict[str, Any] = field(default_factory=dict)
    """Further options of the dataset, as JSON, such as {"download": true}."""
    size: tuple[int, int] = (28, 28)
    channels: int = 1
    """Colour channels that the network sees: 1 grey, 3 colour."""
    classes: int = 10
    """Number of classes."""
    crop: float = 1.0
    """Part of the resized picture's sides that is looked at in validation and test."""
    normalise: Literal["half", "imagenet"] = "half"
    """To [-1, 1], or by the mean and deviation of ImageNet."""
    validation: float = 0.1
    """Part of the training images to choose the best epoch on, where the dataset publishes none."""

    def __post_init__(self):
        super().__post_init__()
        require_that(self.channels in (1, 3), "data.channels", self.channels, "1 (grey) or 3 (colour)")
        require_that(self.classes >= 2, "data.classes", self.classes, "at least 2")
        require_that(0 < self.crop <= 1, "data.crop", self.crop, "above 0 and at most 1")
        require_that(0 < self.validation < 1, "data.validation", self.validation, "between 0 and 1")

    @property
    def test_images(self) -> tuple:
        """What decides which images a run is tested on, and what their truth is."""
        return *super().test_images, self.classes


@dataclass(frozen=True, kw_only=True)
class AdamW:
    """AdamW, warm-up and a schedule, with a learning rate of its own for coefficients; offsets do not decay."""

    learning_rate: float = 1e-3
    """Learning rate of dense weights, biases and norms."""
    coefficient_factor: float = 1.0
    """The learning rate of coefficients of edge functions is so many times that."""
    weight_decay: float = 0.05
    """Decoupled decay of weights and coefficients; biases, norms and what the network exempts have none."""
    epsilon: float = 1e-8
    """Added to the root of the second moment."""
    schedule: Literal["cosine", "exponential", "constant"] = "cosine"
    """How the learning rates change from epoch to epoch."""
    decay: float = 0.8
    """Factor an epoch of the exponential schedule."""
    final_learning_rate: float = 1e-5
    """What the cosine falls to, times the factor for coefficients."""
    warmup_epochs: int = 0
    """Epochs in which the rates rise in a line first."""
    warmup_learning_rate: float = 1e-6
    """Where they rise from."""
    clip: float | None = None
    """Largest norm of the gradient; none: as it is."""

    def __post_init__(self):
        for name in ("learning_rate", "coefficient_factor", "epsilon", "decay"):
            require_that(getattr(self, name) > 0, f"optimiser.{name}", getattr(self, name), "above 0")
        for name in ("weight_decay", "final_learning_rate", "warmup_epochs", "warmup_learning_rate"):
            require_that(getattr(self, name) >= 0, f"optimiser.{name}", getattr(self, name), "0 or above")
        require_that(self.clip is None or self.clip > 0, "optimiser.clip", self.clip, "above 0, or none")
        falls = self.schedule != "cosine" or self.final_learning_rate <= self.learning_rate
        rule = f"at most optimiser.learning_rate, {self.learning_rate}, since a cosine falls"
        require_that(falls, "optimiser.final_learning_rate", self.final_learning_rate, rule)
        for name, of in (("decay", "exponential"), ("final_learning_rate", "cosine")):
            without, fix = f"with optimiser.schedule {self.schedule!r}", f"choose {of!r}"
            require_used(self.schedule == of, self, f"optimiser.{name}", without, fix)
        warms, fix = self.warmup_epochs > 0, "give warmup_epochs"
        require_used(warms, self, "optimiser.warmup_learning_rate", "without optimiser.warmup_epochs", fix)

    def with_rates(self, learning_rate: float, coefficient_factor: float) -> "AdamW":
        """The same settings with these rates."""
        return replace(self, learning_rate=learning_rate, coefficient_factor=coefficient_factor)


@dataclass(frozen=True, kw_only=True)
class Augment:
    """How training pictures are varied one by one."""

    crop: Literal["none", "pad", "resized"] = "none"
    """Not; padded and cut out again; or cut out at a random scale and resized."""
    pad: float = 0.125
    """Part of a picture's sides by which it is padded."""
    scale: tuple[float, float] = (0.08, 1.0)
    """Range of a resized crop's area."""
    ratio: tuple[float, float] = (0.75, 1.3333)
    """Range of a resized crop's aspect ratio."""
    flip: bool = False
    """Mirror every other picture."""
    jitter: float = 0.0
    """Strength of random brightness, contrast and saturation; not with rand_augment, which has its own."""
    rand_augment: str | None = None
    """RandAugment in timm's words, such as rand-m9-mstd0.5-inc1; none: without."""
    erase: float = 0.0
    """Probability that a rectangle becomes noise."""

    def __post_init__(self):
        require_that(0 < self.scale[0] <= self.scale[1] <= 1, "augment.scale", self.scale, "two rising parts of 1")
        require_that(0 < self.ratio[0] <= self.ratio[1], "augment.ratio", self.ratio, "two rising numbers above 0")
        require_that(0 <= self.pad < 1, "augment.pad", self.pad, "from 0 to below 1")
        require_that(self.jitter >= 0, "augment.jitter", self.jitter, "0 or above")
        require_that(0 <= self.erase <= 1, "augment.erase", self.erase, "from 0 to 1")
        for name, of in (("pad", "pad"), ("scale", "resized"), ("ratio", "resized")):
            without, fix = f"with augment.crop {self.crop!r}", f"choose {of!r}"
            require_used(self.crop == of, self, f"augment.{name}", without, fix)
        without, fix = f"with augment.rand_augment {self.rand_augment!r}, which has its own", "leave rand_augment out"
        require_used(self.rand_augment is None, self, "augment.jitter", without, fix)


@dataclass(frozen=True, kw_only=True)
class Mix:
    """How training pictures of a batch are mixed with each other, by timm."""

    mixup: float = 0.0
    """Alpha of mixup's Beta distribution; 0: none."""
    cutmix: float = 0.0
    """Alpha of cutmix's; 0: none."""
    probability: float = 1.0
    """Probability that a batch is mixed."""
    switch: float = 0.5
    """Probability of cutmix where there are both."""

    def __post_init__(self):
        for name in ("mixup", "cutmix"):
            require_that(getattr(self, name) >= 0, f"mix.{name}", getattr(self, name), "0 or above")
        for name in ("probability", "switch"):
            require_that(0 <= getattr(self, name) <= 1, f"mix.{name}", getattr(self, name), "from 0 to 1")
        some, both = self.mixup > 0 or self.cutmix > 0, self.mixup > 0 and self.cutmix > 0
        require_used(some, self, "mix.probability", "without mix.mixup and mix.cutmix", "give one of them")
        require_used(both, self, "mix.switch", "without both mix.mixup and mix.cutmix", "give both")

    def __bool__(self) -> bool:
        return self.probability > 0 and (self.mixup > 0 or self.cutmix > 0)


@dataclass(frozen=True, kw_only=True)
class ClassificationRecipe(Recipe):
    """Everything the training of a classifier depends on.

    Example:
        >>> recipe = ClassificationRecipe(smoothing=0.1)
        >>> Recipe.from_dict(recipe.to_dict()) == recipe
        True
    """

    task: ClassVar[str] = "classification"

    data: LabelledData = field(default_factory=LabelledData)
    model: Model = field(default_factory=lambda: Model(name="kan", options={"width": [784, 64, 10]}))
    optimiser: AdamW = field(default_factory=AdamW)
    augment: Augment = field(default_factory=Augment)
    mix: Mix = field(default_factory=Mix)
    batch_size: int = 64
    """Images a step, of all devices together."""
    smoothing: float = 0.0
    """Part of the target that is spread over all classes."""
    class_weights: Literal["equal", "balanced"] | tuple[float, ...] = "equal"
    """Weights of the classes in the loss: equal; balanced, 1 / their pictures on the training side; or numbers."""
    score: Literal["accuracy", "balanced"] = "accuracy"
    """Score of the validation images that chooses the best epoch: accuracy, or the mean sensitivity over classes."""
    ema: float | None = None
    """Decay a step of the moving average of the weights that is validated and kept; none: the weights themselves."""

    def __post_init__(self):
        super().__post_init__()
        require_that(0 <= self.smoothing < 1, "smoothing", self.smoothing, "from 0 to below 1")
        require_that(self.ema is None or 0 < self.ema < 1, "ema", self.ema, "between 0 and 1, or none")
        if not isinstance(self.class_weights, str):
            fits = all(0 <= weight < float("inf") for weight in self.class_weights) and any(self.class_weights)
            require_that(fits, "class_weights", self.class_weights, "numbers from 0 on, at least one above it")
            rule = f"{self.data.classes} numbers, one a class"
            require_that(len(self.class_weights) == self.data.classes, "class_weights", self.class_weights, rule)
        even = not self.mix or self.batch_size % 2 == 0
        require_that(even, "batch_size", self.batch_size, "even, since pictures are mixed in pairs")
