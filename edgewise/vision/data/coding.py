"""How the numbers in mask files become classes: labels, one foreground, soft edges, or a palette; one rule for a set."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

import numpy as np

from edgewise._ground.errors import ConfigError, DataError
from edgewise._ground.registry import unknown
from edgewise.vision.data.mask_file import PLANES, MaskFile, Plane, pack

VOID = 255
"""What stands in a mask for pixels that belong to no class: losses and scores leave them out."""
Value = int | str | Sequence[int]
"""A grey level, a colour as ``#rrggbb``, or one as three numbers."""


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

    Example:
        >>> from pathlib import Path
        >>> Binary()(MaskFile(Path("a.png"), np.array([[0, 1, 7]], np.uint8))).tolist()
        [[0, 1, 1]]
    """

    kind: ClassVar[str] = "binary"

    def _classes(self, values: np.ndarray, mask: MaskFile) -> np.ndarray:
        return (values != 0).astype(np.uint8)

    def describe(self) -> str:
        return f"one foreground: {self.plane} other than 0"


@dataclass(frozen=True)
class Soft(Coding):
    """One foreground with soft edges: at least `level`, half of what is full; 1-bit files are as they are.

    Example:
        >>> from pathlib import Path
        >>> Soft()(MaskFile(Path("a.png"), np.array([[0, 127, 128, 254]], np.uint8))).tolist()
        [[0, 0, 1, 1]]
    """

    kind: ClassVar[str] = "soft"
    level: float = 128

    def _classes(self, values: np.ndarray, mask: MaskFile) -> np.ndarray:
        return (values if values.dtype == bool else values >= self.level).astype(np.uint8)

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

    def title(self, label: int) -> str:
        return f"{label} ({self._name(self.values[label])})"

    def describe(self) -> str:
        return f"{len(self.values)} classes by {self.plane}" + (
            "" if self.void is None else f", {self._name(self.void)} is void"
        )


KINDS: dict[str, type[Coding]] = {kind.kind: kind for kind in (Binary, Soft, Labels, Palette)}


def coding_from(stated: Mapping[str, Any], void: Value | None = None) -> Coding:
    """The rule that a dictionary states: of :meth:`Coding.to_dict`, or with a ``palette`` of colours or grey levels.

    Args:
        stated: ``kind`` and attributes; or ``palette``, a list of grey levels, of ``[red, green, blue]`` or of
            ``"#rrggbb"``, the background first.
        void: Value of pixels that belong to no class, as in the palette.

    Raises:
        ConfigError: A kind or an attribute is unknown or of another form.

    Example:
        >>> coding_from({"palette": [[0, 0, 0], "#ff0000"]}).title(1)
        '1 (#ff0000)'
    """
    stated = dict(stated)
    if "palette" in stated:
        colours = stated.pop("palette")
        if not isinstance(colours, list | tuple):
            raise ConfigError(f"the palette of masks is {colours!r} and must be a list of values, the background first")
        plane = "grey" if all(isinstance(colour, int) for colour in colours) else "colour"
        stated = {"kind": "palette", "plane": plane, "values": [number_of(colour) for colour in colours], **stated}
    name = stated.pop("kind", "")
    if name not in KINDS:
        raise unknown("kind of mask_values:", name, KINDS)
    known = [item.name for item in fields(KINDS[name])]
    for key in stated:
        if key not in known:
            raise unknown(f"part of mask_values {name!r}:", key, known)
    if void is not None:
        if "void" not in known:
            raise ConfigError(f"mask_values {name!r} has no void and void is {void!r}: it goes with labels and palettes")
        stated["void"] = void
    if stated.get("void") is not None:
        stated["void"] = number_of(stated["void"])
    if stated.get("plane", "grey") not in PLANES:
        raise unknown("plane of masks", str(stated["plane"]), PLANES)
    if not isinstance(stated.get("level", 0.0), int | float):
        raise ConfigError(f"the level of soft masks is {stated['level']!r} and must be a number")
    if "values" in stated:
        stated["values"] = tuple(number_of(value) for value in stated["values"])
    return KINDS[name](**stated)


def number_of(value: Value) -> int:
    """A grey level, or a colour as one number.

    Raises:
        ConfigError: It is none of these.

    Example:
        >>> number_of(7), number_of([1, 0, 2]), number_of("#ff0000")
        (7, 65538, 16711680)
    """
    if isinstance(value, int):
        return value
    try:
        parts = bytes.fromhex(value.removeprefix("#")) if isinstance(value, str) else bytes(value)
        return int(pack(np.frombuffer(parts, np.uint8).reshape(3)))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{value!r} is no colour: give a grey level, [red, green, blue] or '#rrggbb'") from error
