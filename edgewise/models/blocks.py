"""What several networks are put together from: chains of layers, heads, a pooling, and a check of their sizes."""

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import unknown
from edgewise.bases import BasisLike
from edgewise.nn import KANLinear
from edgewise.nn.layer import DEFAULT_BASIS

HEADS = {"kan": KANLinear, "linear": nn.Linear}


def chain(
    width: Sequence[int],
    layer: Callable[[int, int], nn.Module],
    before: Sequence[Callable[[int], nn.Module]] = (),
    between: Sequence[Callable[[int], nn.Module]] = (),
) -> nn.Sequential:
    """Layers one after the other.

    Args:
        width: Nodes from input to output, at least two entries.
        layer: ``(inputs, outputs) -> module``.
        before: What stands before every layer, each ``inputs -> module``.
        between: What stands before every layer but the first.

    Raises:
        ConfigError: Fewer than two widths, or one below 1.
    """
    if len(width) < 2 or min(width) < 1:
        raise ConfigError(f"width must be at least two numbers of at least 1, got {list(width)}")
    layers: list[nn.Module] = []
    for place, (n, m) in enumerate(itertools.pairwise(width)):
        layers += [make(n) for make in (*(between if place else ()), *before)]
        layers.append(layer(n, m))
    return nn.Sequential(*layers)


def fully_connected(
    num_classes: int,
    into: int,
    hidden: Sequence[int] = (),
    kind: Literal["kan", "linear"] = "kan",
    basis: BasisLike = DEFAULT_BASIS,
    norm: bool = False,
    dropout: float = 0.0,
) -> nn.Module:
    """Fully connected layers from ``into`` features to logits: KAN layers with ``basis``, or dense ones with ReLU.

    Raises:
        ConfigError: The kind is unknown, or a width is below 1.
    """
    if kind not in HEADS:
        raise unknown("head", kind, HEADS)
    layer = nn.Linear if kind == "linear" else partial(KANLinear, basis=basis)
    before = (*((nn.LayerNorm,) if norm else ()), *((lambda _: nn.Dropout(dropout),) if dropout else ()))
    return chain((into, *hidden, num_classes), layer, before, (lambda _: nn.ReLU(),) if kind == "linear" else ())


def mean_pool() -> nn.Sequential:
    """The mean of each channel."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())


def check_positive(**settings: int | Sequence[int]) -> None:
    """Refuse numbers below 1, alone or in a sequence, and empty sequences.

    Raises:
        ConfigError: There is one; the message names it.
    """
    for name, value in settings.items():
        numbers = value if isinstance(value, Sequence) else [value or 0]
        if min(numbers, default=0) < 1:
            raise ConfigError(f"{name} must be at least 1, got {value}")
