"""How the numbers in mask files become classes: labels, one foreground, soft edges, or a palette; one rule for a set."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data.mask_file import MaskFile, Plane

VOID = 255
"""What stands in a mask for pixels that belong to no class: losses and scores leave them out."""


@dataclass(frozen=True)
class Coding(ABC):
    """A rule from a mask file to the class of each pixel.

    Attributes:
        plane: Which numbers of the file are meant: grey levels, entries of a palette, colours, or alpha.
    """

    kind: ClassVar[str]
    plane: Plane = "grey"

    def __call__(self, mask: MaskFile) -> np.ndarray:
        """The class of each pixel, uint8 ``(H, W)``: 0 the background, `VOID` what belongs to none.

        Raises:
            DataError: The file has a value that the rule does not know.
        """
        return self._classes(mask.plane(self.plane), mask)

    @abstractmethod
    def _classes(self, values: np.ndarray, mask: MaskFile) -> np.ndarray: ...

    @abstractmethod
    def describe(self) -> str:
        """The rule in a few words."""

    def title(self, label: int) -> str:
        """What a reader calls a class: its number, and its value in the files where that is another."""
        return str(label)

    def to_dict(self) -> dict[str, Any]:
        """The rule as plain JSON values; :func:`coding_from` reads them."""
        return {"kind": self.kind, **{name: value for name, value in asdict(self).items() if value is not None}}


@dataclass(frozen=True)
class Binary(Coding):
    """One foreground: whatever is not 0. Instances are merged.

    Attributes:
        label: Its class.

    Example:
        >>> from pathlib import Path
        >>> Binary()(MaskFile(Path("a.png"), np.array([[0, 1, 7]], np.uint8))).tolist()
        [[0, 1, 1]]
    """

    kind: ClassVar[str] = "binary"
    label: int = 1

    def _classes(self, values: np.ndarray, mask: MaskFile) -> np.ndarray:
        return (values != 0) * np.uint8(self.label)

    def describe(self) -> str:
        return f"one foreground: {self.plane} other than 0"


@dataclass(frozen=True)
class Instances(Binary):
    """One foreground, in which each number is an instance of its own: merged for learning, told apart for scores.

    Example:
        >>> Instances().describe()
        'one foreground: each number of grey other than 0 an instance'
    """

    kind: ClassVar[str] = "instances"

    def describe(self) -> str:
        return f"one foreground: each number of {self.plane} other than 0 an instance"


@dataclass(frozen=True)
class Soft(Coding):
    """One foreground with soft edges: at least `level`, half of what is full; 1-bit files are as they are.

    Attributes:
        level: The least value of the foreground.
        label: Its class.

    Example:
        >>> from pathlib import Path
        >>> Soft()(MaskFile(Path("a.png"), np.array([[0, 127, 128, 254]], np.uint8))).tolist()
        [[0, 0, 1, 1]]
    """

    kind: ClassVar[str] = "soft"
    level: float = 128
    label: int = 1

    def _classes(self, values: np.ndarray, mask: MaskFile) -> np.ndarray:
        return (values if values.dtype == bool else values >= self.level) * np.uint8(self.label)

    def describe(self) -> str:
        return f"one foreground with soft edges: {self.plane} of at least {self.level:g}"


@dataclass(frozen=True)
class Labels(Coding):
    """The number of a pixel is its class.

    Attributes:
        void: The number of pixels that belong to no class.

    Example:
        >>> from pathlib import Path
        >>> Labels(void=9)(MaskFile(Path("a.png"), np.array([[0, 1, 2, 9]], np.uint8))).tolist()
        [[0, 1, 2, 255]]
    """

    kind: ClassVar[str] = "labels"
    void: int | None = None

    def _classes(self, values: np.ndarray, mask: MaskFile) -> np.ndarray:
        values = values.astype(np.uint8) if values.dtype == bool else values
        void = np.zeros(values.shape, bool) if self.void is None else values == self.void
        wrong = ~void & ((values < 0) | (values >= VOID) | (values != np.floor(values)))
        if wrong.any():
            raise DataError(
                f"{mask.path} holds the label {values[wrong][0]} and classes are whole numbers from 0 to {VOID - 1}: for "
                f"pixels of no class, give void={values[wrong][0]}; for one foreground, mask_values='binary' or 'soft'"
            )
        return np.where(void, VOID, values).astype(np.uint8)

    def describe(self) -> str:
        return f"labels: {self.plane} is the class" + ("" if self.void is None else f", {self.void} is void")


@dataclass(frozen=True)
class Palette(Coding):
    """Each class has a colour or a grey level.

    Attributes:
        values: Of class 0, the background, of class 1, and so on; colours are red * 65536 + green * 256 + blue.
        void: The value of pixels that belong to no class.
        nearest: Take the nearest value for one that is none of these, as in a JPEG; otherwise it is an error.

    Example:
        >>> from pathlib import Path
        >>> Palette(values=(0, 128, 200))(MaskFile(Path("a.png"), np.array([[0, 200, 128]], np.uint8))).tolist()
        [[0, 2, 1]]
    """

    kind: ClassVar[str] = "palette"
    values: tuple[int, ...] = ()
    void: int | None = None
    nearest: bool = False

    def __post_init__(self) -> None:
        known = [*self.values, *([] if self.void is None else [self.void])]
        if not 2 <= len(self.values) < VOID or len(set(known)) < len(known):
            raise ConfigError(
                f"the palette of masks is {known}: give 2 to {VOID - 1} values, of the background first, none twice"
            )

    def _classes(self, values: np.ndarray, mask: MaskFile) -> np.ndarray:
        known = np.array([*self.values, *([] if self.void is None else [self.void])])
        classes = np.array([*range(len(self.values)), *([] if self.void is None else [VOID])], np.uint8)
        there, where = np.unique(values, return_inverse=True)
        distance = np.abs(self._spread(there)[:, None] - self._spread(known)).sum(-1)
        if not (self.nearest or mask.lossy) and (distance.min(1) > 0).any():
            stranger, names = self._name(there[distance.min(1) > 0][0]), ", ".join(map(self._name, known[:9]))
            raise DataError(
                f"{mask.path} holds {stranger} and its palette has {names}: add "
                'it, or take the nearest by mask_values={"palette": [...], "nearest": true}'
            )
        return classes[distance.argmin(1)][where].reshape(values.shape)

    def _spread(self, values: np.ndarray) -> np.ndarray:
        """A number or the three parts of a colour each, (N, 1) or (N, 3)."""
        parts = (values >> 16, values >> 8 & 255, values & 255) if self.plane == "colour" else (values,)
        return np.stack([np.asarray(part, np.float64) for part in parts], -1)

    def _name(self, value: int) -> str:
        return f"#{int(value):06x}" if self.plane == "colour" else f"{self.plane} {value}"

    @property
    def colours(self) -> tuple[str, ...]:
        """The colours of the classes as ``#rrggbb``; none where masks are grey."""
        return tuple(map(self._name, self.values)) if self.plane == "colour" else ()

    def title(self, label: int) -> str:
        return f"{label} ({self._name(self.values[label])})"

    def describe(self) -> str:
        return f"{len(self.values)} classes by {self.plane}" + (
            "" if self.void is None else f", {self._name(self.void)} is void"
        )
