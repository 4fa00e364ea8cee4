"""What a registered model takes: which of its options follow from the data, and what the others mean.

Said once, where a model is registered, and read by all that make, tune, compare or start models by their names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgewise.bases import Basis

SIDE = 32  # of the example for networks that take pictures of any size


@dataclass(frozen=True)
class FixedBasis:
    """The functions of a model that lets its users choose their number, and nothing else of their basis.

    Args:
        kind: The class of the basis.
        size: The option that is its size, a setting of the class by the same name.
    """

    kind: type[Basis]
    size: str


@dataclass(frozen=True, kw_only=True)
class Takes:
    """What the options of a model mean, whatever its input; all that is given here are names of options.

    Args:
        basis: The option that is the basis of its functions, or a :class:`FixedBasis`; None where there is neither.
        shorthands: Options that change the basis too, and so are None where another basis is chosen.
        widths: The options that are hidden widths, each a number or several, which may be scaled.
        free: Options by which what trained weights compute does not change, such as a rate of dropout.
        fetched: The option that fetches trained weights; off when a model is rebuilt, which brings its own.
    """

    basis: str | FixedBasis | None = None
    shorthands: tuple[str, ...] = ()
    widths: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    fetched: str | None = None

    @property
    def what(self) -> str:
        """In words, what the model does."""
        return "was registered without a word on what it takes"

    @property
    def names(self) -> set[str]:
        """All options that are named."""
        basis = self.basis.size if isinstance(self.basis, FixedBasis) else self.basis
        return {*self.shorthands, *self.widths, *self.free, basis, self.fetched} - {None}

    def sample_shape(self, options: Mapping[str, Any]) -> tuple[int, ...] | None:
        """The shape of one sample that a model of these options takes; None if that is not known."""
        return None

    def scaled(self, options: Mapping[str, Any], scale: Callable[[Any], Any]) -> dict[str, Any]:
        """The hidden widths among some options, each changed by ``scale``."""
        given = {name: options[name] for name in self.widths if options.get(name)}
        return {name: list(map(scale, v)) if isinstance(v, list | tuple) else scale(v) for name, v in given.items()}

    def decisive(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options that say what trained weights compute, whatever the number of classes."""
        return {name: value for name, value in options.items() if name not in self.free}


@dataclass(frozen=True, kw_only=True)
class Grids(Takes):
    """What lies on a grid in space, :class:`Pictures` or :class:`Volumes`.

    Args:
        channels: The option that is their channels.
        classes: The option that is the number of logits.
    """

    channels: str = "in_channels"
    classes: str = "num_classes"

    @property
    def names(self) -> set[str]:
        return super().names | {self.channels, self.classes}

    def options_for(self, channels: int, classes: int | None = None, side: int | None = None) -> dict[str, int]:
        """The options that follow from the data; what is None, or the model has no option for, is left out."""
        found = {self.channels: channels, self.classes: classes}
        return {name: value for name, value in found.items() if value is not None}

    def decisive(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in super().decisive(options).items() if name != self.classes}


@dataclass(frozen=True, kw_only=True)
class Pictures(Grids):
    """Pictures ``(N, channels, H, W)``.

    Args:
        side: The option that is the one side that they may have; None if any will do.
        dense: Logits for each pixel, ``(N, classes, H, W)``, rather than for the picture, ``(N, classes)``.

    Example:
        >>> Pictures(side="image_size").options_for(channels=1, classes=10, side=28)
        {'in_channels': 1, 'num_classes': 10, 'image_size': 28}
    """

    side: str | None = None
    dense: bool = False

    @property
    def what(self) -> str:
        return "makes logits for each pixel of a picture" if self.dense else "makes logits for a picture as a whole"

    @property
    def names(self) -> set[str]:
        return super().names | ({self.side} if self.side else set())

    def options_for(self, channels: int, classes: int | None = None, side: int | None = None) -> dict[str, int]:
        found = super().options_for(channels, classes)
        return found if self.side is None or side is None else {**found, self.side: side}

    def sample_shape(self, options: Mapping[str, Any]) -> tuple[int, ...]:
        side = options[self.side] if self.side else SIDE
        return options[self.channels], side, side

    def decisive(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in super().decisive(options).items() if name != self.side}


@dataclass(frozen=True, kw_only=True)
class Volumes(Grids):
    """Volumes ``(N, channels, D, H, W)``, to logits for each voxel, ``(N, classes, D, H, W)``.

    Args:
        flat: The option that says how many of the halvings, the first ones, leave the depth as it is.
        multiple: What sides must be a multiple of without that option; the sides of the example.

    Example:
        >>> Volumes(flat="flat").sample_shape({"in_channels": 2, "flat": 3})
        (2, 4, 32, 32)
    """

    flat: str | None = None
    multiple: int = SIDE

    @property
    def names(self) -> set[str]:
        return super().names | ({self.flat} if self.flat else set())

    @property
    def what(self) -> str:
        return "makes logits for each voxel of a volume"

    def sample_shape(self, options: Mapping[str, Any]) -> tuple[int, ...]:
        depth = self.multiple >> (options[self.flat] if self.flat else 0)
        return options[self.channels], depth, self.multiple, self.multiple


@dataclass(frozen=True, kw_only=True)
class NoisyPictures(Takes):
    """Noisy pictures ``(N, channels, H, W)`` and the step of each ``(N,)``, to the noise in them ``(N, channels, H, W)``.

    Args:
        channels: The option that is their channels.

    Example:
        >>> NoisyPictures().options_for(channels=1)
        {'in_channels': 1}
    """

    channels: str = "in_channels"

    @property
    def what(self) -> str:
        return "finds the noise in pictures"

    @property
    def names(self) -> set[str]:
        return super().names | {self.channels}

    def options_for(self, channels: int) -> dict[str, int]:
        """The options that follow from the data."""
        return {self.channels: channels}


@dataclass(frozen=True, kw_only=True)
class Rows(Takes):
    """Rows of numbers ``(*, width[0])``, to rows of ``width[-1]``.

    Args:
        width: The option that lists the nodes from input to output.

    Example:
        >>> Rows().scaled({"width": [784, 64, 10]}, lambda nodes: nodes // 2)
        {'width': [784, 32, 10]}
    """

    width: str = "width"

    @property
    def what(self) -> str:
        return "takes rows of numbers"

    @property
    def names(self) -> set[str]:
        return super().names | {self.width}

    def sample_shape(self, options: Mapping[str, Any]) -> tuple[int, ...]:
        return (options[self.width][0],)

    def scaled(self, options: Mapping[str, Any], scale: Callable[[Any], Any]) -> dict[str, Any]:
        found = super().scaled(options, scale)
        match options.get(self.width):
            case [first, *inner, last] if inner:
                found[self.width] = [first, *map(scale, inner), last]
        return found

    def decisive(self, options: Mapping[str, Any]) -> dict[str, Any]:
        *inner, last = options[self.width]
        classes = ["classes", *last[1:]] if isinstance(last, list | tuple) else "classes"  # beside nodes that multiply
        return super().decisive(options) | {self.width: [*inner, classes]}
