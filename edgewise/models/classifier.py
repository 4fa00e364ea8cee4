"""The frame of networks that name pictures: stages, a pooling, a head; with timm's manners."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.models.features import Features


class Classifier(nn.Module):
    """Stages one after the other, a pooling to rows, and a head that can be exchanged.

    Args:
        stages: What makes maps of pictures, from fine to coarse.
        pool: From the last map to rows.
        make_head: From a number of classes to the module that makes logits of rows.
        num_classes: Size of the logits; 0 for the rows themselves.
        in_channels: Channels of the pictures.
        least_side: The shortest side of a picture that the stages can still divide.
        image_size: The one side that the head takes; None if pictures may have any.

    Attributes:
        num_classes: Size of the logits.
        head: What makes them; ``nn.Identity`` where there are none.

    Shape:
        ``(N, in_channels, H, W) -> (N, num_classes)``

    Raises:
        ConfigError: Pictures of other channels or sides, or too small ones.
    """

    config: dict[str, Any]  # of those that are made by name

    def __init__(
        self,
        stages: Sequence[nn.Module],
        pool: nn.Module,
        make_head: Callable[[int], nn.Module],
        num_classes: int,
        in_channels: int,
        least_side: int = 1,
        image_size: int | None = None,
    ):
        super().__init__()
        self.in_channels, self.least_side, self.image_size = in_channels, least_side, image_size
        self._make_head = make_head
        self.stages = nn.Sequential(*stages)
        self.pool = pool
        self.reset_classifier(num_classes)

    def reset_classifier(self, num_classes: int) -> None:
        """Put a new head for so many classes in the place of the old; 0 leaves the features of each picture.

        Raises:
            ConfigError: The number is below 0.
        """
        if num_classes < 0:
            raise ConfigError(f"num_classes must be at least 0, got {num_classes}")
        head = self._make_head(num_classes) if num_classes else nn.Identity()
        like = next(self.stages.parameters())
        self.head = head.to(like.device, like.dtype).train(self.training)
        self.num_classes = num_classes
        if hasattr(self, "config"):
            self.config["options"]["num_classes"] = num_classes

    def forward_features(self, x: Tensor) -> Tensor:
        """The last map, ``(N, channels, h, w)``."""
        self._check(x)
        return self.stages(x)

    def forward_head(self, x: Tensor) -> Tensor:
        """From the last map to logits."""
        return self.head(self.pool(x))

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(x))

    def forward_intermediates(self, x: Tensor, indices: int | Sequence[int] | None = None) -> tuple[Tensor, list[Tensor]]:
        """The last map, and the maps of the stages asked for, as timm gives them.

        Args:
            x: Pictures.
            indices: Numbers of stages, negative ones from the end; a number n for the last n; None for all.

        Raises:
            ConfigError: There is no such stage.
        """
        self._check(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return x, [maps[index] for index in self.stage_numbers(indices)]

    def stage_numbers(self, indices: int | Sequence[int] | None) -> list[int]:
        """The stages asked for, counted from 0, in order; see :meth:`forward_intermediates`.

        Raises:
            ConfigError: There is no such stage, or none is asked for.
        """
        count = len(self.stages)
        wanted = range(count) if indices is None else range(-indices, 0) if isinstance(indices, int) else indices
        if not wanted or any(not -count <= index < count for index in wanted):
            raise ConfigError(f"stages count from 0 to {count - 1}, got indices={indices}")
        return sorted(index % count for index in wanted)

    def features_only(self, out_indices: int | Sequence[int] | None = None) -> Features:
        """The maps of some stages, by this network's own layers: it loses its head, and the stages behind the last map.

        Args:
            out_indices: Numbers of stages; see :meth:`forward_intermediates`.

        Raises:
            ConfigError: There is no such stage.
        """
        features = Features(self, out_indices)
        if hasattr(self, "config"):
            self.config["options"] |= {"features_only": True, "out_indices": features.out_indices}
            features.config = self.config
        return features

    def _check(self, x: Tensor) -> None:
        shape, size = tuple(x.shape), self.image_size
        if len(shape) != 4 or shape[1] != self.in_channels:
            fits = False
        else:
            fits = all(side >= self.least_side for side in shape[2:]) if size is None else shape[2:] == (size, size)
        if not fits:
            sides = f"at least {self.least_side}" if size is None else size
            raise ConfigError(f"expected pictures (N, {self.in_channels}, H, W) with sides of {sides}, got shape {shape}")
