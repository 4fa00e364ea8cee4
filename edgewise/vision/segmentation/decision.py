"""From probabilities to the class of each pixel."""

from dataclasses import dataclass

from torch import Tensor

from edgewise.vision.training.strict import require_that


@dataclass(frozen=True)
class Decision:
    """The largest probability decides; of one foreground, whether it is above a threshold.

    Args:
        threshold: For one foreground; several classes have none.

    Raises:
        ConfigError: The threshold is not between 0 and 1.

    Example:
        >>> import torch
        >>> Decision(0.4)(torch.tensor([[[0.3, 0.45, 0.6]]])).tolist()
        [[0, 1, 1]]
    """

    threshold: float = 0.5

    def __post_init__(self):
        require_that(0 < self.threshold < 1, "threshold", self.threshold, "between 0 and 1")

    def __call__(self, probabilities: Tensor) -> Tensor:
        """The class of each pixel, of probabilities (classes, *shape), with one foreground (1, *shape)."""
        return (probabilities[0] > self.threshold).long() if len(probabilities) == 1 else probabilities.argmax(0)


def probabilities_of(logits: Tensor) -> Tensor:
    """Of each class, (classes, *shape), from logits of that shape; with a single one, of the foreground.

    Example:
        >>> import torch
        >>> probabilities_of(torch.zeros(1, 2)).tolist(), probabilities_of(torch.zeros(2, 1)).tolist()
        ([[0.5, 0.5]], [[0.5], [0.5]])
    """
    return logits.sigmoid() if len(logits) == 1 else logits.softmax(0)
