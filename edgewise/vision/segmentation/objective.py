"""What a segmentation minimises, as settings; :mod:`edgewise.vision.segmentation.losses` has the formulas."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data.classes import ClassCount
from edgewise.vision.data.coding import VOID
from edgewise.vision.training.strict import require_that, require_used

USED_BY = {"false_positives": "tversky", "false_negatives": "tversky", "focus": "focal", "boundary": "boundary"}
"""Settings that one loss alone has."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What a segmentation minimises.

    Example:
        >>> Loss(name="tversky", focus=3.0)
        Traceback (most recent call last):
        edgewise.ConfigError: loss.focus is 3.0 and has no effect with loss.name 'tversky': leave it out, or choose 'focal'
    """

    name: Literal["dice_ce", "tversky", "focal", "boundary"] = "dice_ce"
    """Dice + half the cross-entropy; Tversky; focal loss + Dice; or Dice + half the cross-entropy + boundary."""
    weights: Literal["equal", "balanced"] | tuple[float, ...] = "equal"
    """Weights of the classes, background first: equal; balanced, 1 / their pixels on the training side; or numbers."""
    false_positives: float = 0.3
    """Of tversky: how much a pixel counts that is found and is not there."""
    false_negatives: float = 0.7
    """Of tversky: how much a pixel counts that is there and is not found."""
    focus: float = 2.0
    """Of focal: the exponent by which pixels that are right already count less."""
    boundary: float = 0.01
    """Of boundary: its weight, per pixel of distance."""

    def __post_init__(self):
        for item in fields(self):
            of = USED_BY.get(item.name, self.name)
            require_used(of == self.name, self, f"loss.{item.name}", f"with loss.name {self.name!r}", f"choose {of!r}")
        for name in ("false_positives", "false_negatives", "boundary"):
            require_that(getattr(self, name) > 0, f"loss.{name}", getattr(self, name), "above 0")
        require_that(self.focus >= 1, "loss.focus", self.focus, "at least 1")
        if not isinstance(self.weights, str):
            fits = all(0 <= weight < float("inf") for weight in self.weights) and any(self.weights)
            require_that(fits, "loss.weights", self.weights, "numbers from 0 on, at least one above it")

    def check(self, classes: int) -> None:
        """Refuse weights that are not those of so many classes, or would have no effect.

        Args:
            classes: 1 for one foreground, or the number of exclusive classes.

        Raises:
            ConfigError: They are too few or too many, or one foreground is learnt by an overlap alone.
        """
        if self.weights == "equal":
            return
        if self.name == "tversky" and classes == 1:
            raise ConfigError(
                f"loss.weights is {self.weights!r} and tversky compares one foreground with nothing: set "
                "loss.false_positives and loss.false_negatives instead"
            )
        if not isinstance(self.weights, str):
            rule = f"{max(classes, 2)} numbers, one a class, background first"
            require_that(len(self.weights) == max(classes, 2), "loss.weights", self.weights, rule)


def balanced(counts: Sequence[ClassCount], classes: int) -> list[float]:
    """Weights by which all classes count the same, ``pixels / (classes * pixels of the class)``; void pixels are left out.

    Args:
        counts: What the masks of the training side hold.
        classes: 1 for one foreground, or the number of exclusive classes.

    Raises:
        DataError: A class is in no mask of the training side.

    Example:
        >>> balanced([ClassCount(0, "background", 90, 3, "a"), ClassCount(1, "tumour", 10, 2, "a")], 1)
        [0.5555555555555556, 5.0]
    """
    pixels = {count.label: count.pixels for count in counts if count.label != VOID}
    labels = range(max(classes, 2))
    if absent := [str(label) for label in labels if not pixels.get(label)]:
        raise DataError(
            f"no mask of the training side holds class {', '.join(absent)}, so loss.weights='balanced' has no weight for "
            "it: give numbers as loss.weights, or another data.split_seed"
        )
    return [sum(pixels.values()) / (len(labels) * pixels[label]) for label in labels]
