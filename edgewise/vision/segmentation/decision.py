"""From the probabilities of the classes to the class of each pixel: thresholds, and which components count."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise.vision.training.strict import require_that


@dataclass(frozen=True)
class Decision:
    """What is made of probabilities. Components hang together by sides or corners; what is removed becomes background.

    Example:
        >>> chances = torch.tensor([[[0.9, 0.1, 0.1, 0.6, 0.6]]])
        >>> Decision()(chances).tolist()
        [[1, 0, 0, 1, 1]]
        >>> Decision(smallest=(2,)).over(Decision(threshold=(0.7,), smallest=(3,)))
        Decision(threshold=(0.7,), smallest=(2,), largest_component=None)
    """

    threshold: tuple[float, ...] | None = None
    """A pixel may be of a foreground class above this probability: one number for all classes, or one each; of several such
    classes it has the one whose probability is most times its threshold. None: 0.5 for one foreground, else the
    likeliest class."""
    smallest: tuple[int, ...] | None = None
    """Components of fewer pixels are removed: one number for all foreground classes, or one each; none: not."""
    largest_component: bool | None = None
    """Of each foreground class, all components but the largest are removed; none: not."""

    def __post_init__(self):
        require_that(all(0 < t < 1 for t in self.threshold or ()), "threshold", self.threshold, "between 0 and 1")
        require_that(all(count >= 1 for count in self.smallest or ()), "smallest", self.smallest, "at least 1 pixel")

    def over(self, other: "Decision") -> "Decision":
        """This decision, and where it says nothing another."""
        said = {name: value for name, value in vars(self).items() if value is not None}
        return replace(other, **said)

    @property
    def complete(self) -> "Decision":
        """The same with a value everywhere; no number is (), the threshold or size that is none."""
        return self.over(Decision((), (), False))

    def check(self, foreground: int) -> None:
        """Refuse what is not for so many foreground classes.

        Raises:
            ConfigError: There are neither one number nor as many as classes.
        """
        for name in ("threshold", "smallest"):
            numbers = getattr(self.complete, name)
            if len(numbers) not in (0, 1, foreground):
                raise ConfigError(
                    f"{name} has the {len(numbers)} numbers {numbers} and there are {foreground} foreground classes: give "
                    "one number for all, or one each"
                )

    def __call__(self, probabilities: Tensor) -> Tensor:
        """The class of each pixel.

        Args:
            probabilities: Of each class (classes, H, W), the background first; of one foreground (1, H, W). Volumes have
                three dimensions after the first.

        Returns:
            Integers (H, W), 0 the background.

        Raises:
            ConfigError: There are neither one number nor as many as foreground classes.
        """
        foreground = max(len(probabilities) - 1, 1)
        self.check(foreground)
        labels = self._classes(probabilities, foreground)
        if self.smallest or self.largest_component:
            labels = self._components(labels.cpu().numpy(), _each(self.smallest or (), 1, foreground)).to(labels.device)
        return labels

    def _classes(self, probabilities: Tensor, foreground: int) -> Tensor:
        # shape: (classes, *size) -> (*size)
        if len(probabilities) > 1 and not self.threshold:
            return probabilities.argmax(0)
        chances = probabilities[-foreground:]
        bounds = chances.new_tensor(_each(self.threshold or (), 0.5, foreground)).reshape(-1, *[1] * (chances.ndim - 1))
        times = torch.where(chances > bounds, chances / bounds, 0.0)
        most, index = times.max(0)
        return torch.where(most > 0, index + 1, 0)

    def _components(self, labels: np.ndarray, smallest: tuple[int, ...]) -> Tensor:
        label = require("scipy.ndimage", extra="training").label
        kept = np.zeros_like(labels)
        for index, least in enumerate(smallest, start=1):
            components, count = label(labels == index, np.ones([3] * labels.ndim))
            pixels = np.bincount(components.ravel(), minlength=count + 1)
            pixels[0] = 0
            stays = pixels >= least
            if self.largest_component:
                stays &= np.arange(len(pixels)) == pixels.argmax()
            kept[stays[components]] = index
        return torch.from_numpy(kept)


def _each(numbers: tuple, default: float, foreground: int) -> tuple:
    """One number for each foreground class."""
    return numbers if len(numbers) == foreground else (numbers or (default,)) * foreground


def probabilities_of(logits: Tensor) -> Tensor:
    """Of each class, (classes, *shape), from logits of that shape; with a single one, of the foreground.

    Example:
        >>> probabilities_of(torch.zeros(4, 1)).tolist()
        [[0.25], [0.25], [0.25], [0.25]]
    """
    return logits.sigmoid() if len(logits) == 1 else logits.softmax(0)
