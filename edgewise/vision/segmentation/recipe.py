"""What the training of a segmentation is made of."""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from edgewise._ground.errors import ConfigError
from edgewise.vision.data.coding import Palette
from edgewise.vision.data.dataset import SegmentationSet
from edgewise.vision.data.intensity import Intensity
from edgewise.vision.data.legend import Legend
from edgewise.vision.data.preprocess import Fit, Preprocess
from edgewise.vision.segmentation.augment import MaskedAugment
from edgewise.vision.segmentation.decision import Decision
from edgewise.vision.segmentation.objective import Loss
from edgewise.vision.training.recipe import Data, Recipe
from edgewise.vision.training.strict import require_that


@dataclass(frozen=True, kw_only=True)
class MaskedData(Data):
    """Which pictures with masks to learn from, and how they enter the network."""

    name: str = "nuclei"
    size: tuple[int, int] = (128, 128)
    classes: int = 1
    """1 for one foreground (sigmoid); more for that many exclusive classes, background included (softmax). `edgewise data`
    shows what masks hold, and by which of the dataset's options they are read."""
    split_seed: int = 2981
    """Seed of the split into training, validation and test images (2981, 6142 and 1187 are published)."""
    names: tuple[str, ...] = ()
    """What the classes are called, the background first; left out: as the dataset says."""
    colours: tuple[str, ...] = ()
    """The colours that they are shown in, as #rrggbb, the background's first."""
    intensity: Intensity = field(default_factory=Intensity)
    fit: Fit = "pad"
    """How a picture comes to size: resized, its aspect kept, and padded; in tiles at its own resolution; or stretched."""

    def __post_init__(self):
        super().__post_init__()
        require_that(self.classes >= 1, "data.classes", self.classes, "at least 1")
        Legend.of(self.classes, self.names, self.colours)

    @property
    def preprocess(self) -> Preprocess:
        """What stands between a picture and the network."""
        return Preprocess(self.size, self.channels, fit=self.fit)

    def legend(self, dataset: SegmentationSet) -> Legend:
        """Names and colours of the classes: those given here, else those of the dataset.

        Raises:
            ConfigError: The dataset names another number of classes, or a class has the colour of another one in the masks.
        """
        known, coding = None if self.names else dataset.legend, dataset.coding
        if known is not None and len(known.names) != max(self.classes, 2):
            count, names = len(known.names), ", ".join(known.names)
            raise ConfigError(
                f"dataset {self.name!r} names {count} classes ({names}) and data.classes is {self.classes}: set "
                f"data.classes to {count if count > 2 else 1}, or mask_values='binary' where all is one foreground"
            )
        in_masks = coding.colours if isinstance(coding, Palette) and len(coding.values) == self.classes else ()
        shown = self.colours or (known.colours if known else in_masks)
        legend = Legend.of(self.classes, known.names if known else self.names, shown)
        legend.check_colours(in_masks, self.name)
        return legend

    @property
    def test_images(self) -> tuple:
        """What decides which images a run is tested on, and what their truth is."""
        return *super().test_images, self.classes


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Adam, with a learning rate for dense weights and one for the coefficients of edge functions."""

    learning_rate: float = 1e-3
    """Learning rate of dense weights, biases and norms."""
    coefficient_learning_rate: float = 5e-3
    """Learning rate of spline coefficients, scales and mixing weights of shared functions."""
    weight_decay: float = 1e-4
    """L2 penalty of every parameter, as in Adam (not decoupled)."""
    final_learning_rate: float = 1e-5
    """Both learning rates fall to this along a cosine over the run."""
    warmup_epochs: int = 0
    """Epochs in which both rates rise in a line first; the cosine goes on as if there had been none."""

    def __post_init__(self):
        for rate in ("learning_rate", "coefficient_learning_rate"):
            require_that(getattr(self, rate) > 0, f"optimiser.{rate}", getattr(self, rate), "above 0")
        for rate in ("weight_decay", "final_learning_rate", "warmup_epochs"):
            require_that(getattr(self, rate) >= 0, f"optimiser.{rate}", getattr(self, rate), "0 or above")

    @property
    def coefficient_factor(self) -> float:
        """How many times the learning rate of the dense part that of coefficients is."""
        return self.coefficient_learning_rate / self.learning_rate

    def with_rates(self, learning_rate: float, coefficient_factor: float) -> "Adam":
        """The same settings with these rates."""
        coefficients = learning_rate * coefficient_factor
        return replace(self, learning_rate=learning_rate, coefficient_learning_rate=coefficients)


@dataclass(frozen=True, kw_only=True)
class SegmentationRecipe(Recipe):
    """Everything the training of a segmentation depends on."""

    task: ClassVar[str] = "segmentation"

    data: MaskedData = field(default_factory=MaskedData)
    optimiser: Adam = field(default_factory=Adam)
    loss: Loss = field(default_factory=Loss)
    decision: Decision = field(default_factory=Decision)
    augment: MaskedAugment = field(default_factory=MaskedAugment)
    score: Literal["iou", "f1", "image_iou", "image_f1"] = "iou"
    """Score of the validation images that chooses the best epoch, and by which patience stops the run."""
    ema: float | None = None
    """Decay a step of the moving average of the weights that is validated and kept; none: the weights themselves."""
    oversample: float | None = None
    """Pictures with a class that is in a smaller part of the training pictures than this are seen more often; none: not."""

    def __post_init__(self):
        super().__post_init__()
        self.loss.check(self.data.classes)
        self.decision.check(max(self.data.classes - 1, 1))
        warmup, rule = self.optimiser.warmup_epochs, f"below epochs, {self.epochs}"
        require_that(warmup < self.epochs, "optimiser.warmup_epochs", warmup, rule)
        require_that(self.ema is None or 0 < self.ema < 1, "ema", self.ema, "between 0 and 1, or none")
        fits = self.oversample is None or 0 < self.oversample <= 1
        require_that(fits, "oversample", self.oversample, "above 0 and at most 1, or none")
