"""A classifier without its head, for those who build on its maps: detectors, decoders."""

from collections.abc import Sequence
from copy import deepcopy
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor, nn

SIDE = 64  # of the picture on which maps are measured


class Staged(Protocol):
    """What maps are taken of: a classifier, as far as it matters here."""

    stages: nn.Sequential
    in_channels: int
    least_side: int
    image_size: int | None

    def stage_numbers(self, indices: int | Sequence[int] | None) -> list[int]:
        """The stages asked for, counted from 0."""
        ...

    def reset_classifier(self, num_classes: int) -> None:
        """Put another head in the place of the old."""

    def forward_intermediates(self, x: Tensor, indices: Sequence[int]) -> tuple[Tensor, list[Tensor]]:
        """The last map, and the maps of the stages asked for."""
        ...


class Features(nn.Module):
    """The maps of some stages of a classifier; ``create_model(name, features_only=True)`` makes one, as in timm.

    Args:
        classifier: A :class:`~edgewise.models.Classifier`; it loses its head and the stages behind the last one asked for.
        out_indices: Numbers of stages, negative ones from the end; a number n for the last n; None for all.

    Shape:
        ``(N, in_channels, H, W) ->`` a list of ``(N, channels, h, w)``, from fine to coarse

    Raises:
        ConfigError: There is no such stage; or pictures that do not fit.

    Example:
        >>> from edgewise.models import create_model
        >>> features = create_model("conv_kan", features_only=True, widths=(5, 10), padding=1)
        >>> features.channels, features.reduction
        ((5, 10), (2, 4))
        >>> [tuple(found.shape) for found in features(torch.zeros(1, 1, 28, 28))]
        [(1, 5, 14, 14), (1, 10, 7, 7)]
    """

    config: dict[str, Any]  # of those that are made by name

    def __init__(self, classifier: Staged, out_indices: int | Sequence[int] | None = None):
        super().__init__()
        self.out_indices = classifier.stage_numbers(out_indices)
        classifier.reset_classifier(0)
        classifier.stages = classifier.stages[: self.out_indices[-1] + 1]
        self.classifier = classifier

    def forward(self, x: Tensor) -> list[Tensor]:
        return self.classifier.forward_intermediates(x, self.out_indices)[1]

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of each map."""
        return tuple(channels for channels, _ in self._measured)

    @property
    def reduction(self) -> tuple[int, ...]:
        """How many times smaller than the picture each map is."""
        return tuple(reduction for _, reduction in self._measured)

    @cached_property
    def _measured(self) -> list[tuple[int, int]]:
        """Taken on a picture, in a copy, so that no mode and no statistic of a norm changes."""
        like = next(self.parameters())
        side = self.classifier.image_size or max(SIDE, self.classifier.least_side)
        with torch.no_grad():
            maps = deepcopy(self).eval()(like.new_zeros(1, self.classifier.in_channels, side, side))
        return [(found.shape[1], round(side / found.shape[-1])) for found in maps]
