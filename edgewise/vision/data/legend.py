"""What the classes of a set are called, and the colours that they are shown in; ``dataset.json`` may say it."""

import colorsys
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from edgewise._ground.errors import CheckpointError, ConfigError, DataError
from edgewise.io import read_json
from edgewise.vision.data.auto import MaskValues
from edgewise.vision.data.coding import VOID

BLACK, ONE = "#000000", "#f76b15"
OKABE_ITO = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
"""Colours that colour-blind people tell apart (Okabe and Ito, 2008)."""
GOLDEN = 0.61803398875
FILE = "dataset.json"


@dataclass(frozen=True)
class Legend:
    """The classes of a set, the background first.

    Attributes:
        names: What a reader calls each; no two are the same.
        colours: Of each, as ``#rrggbb``.

    Raises:
        ConfigError: A name is empty or stands twice, a colour is none, or there are not as many of them as names.

    Example:
        >>> Legend.of(3, ["background", "benign", "malignant"]).names[2]
        'malignant'
        >>> Legend.of(1).names
        ('background', 'foreground')
    """

    names: tuple[str, ...]
    colours: tuple[str, ...]

    def __post_init__(self):
        if len(set(self.names)) < len(self.names) or not all(isinstance(name, str) and name.strip() for name in self.names):
            raise ConfigError(f"names of classes are {list(self.names)}: give each class a name of its own")
        for colour in self.colours:
            if not isinstance(colour, str) or not re.fullmatch("#[0-9a-fA-F]{6}", colour):
                raise ConfigError(f"the colour {colour!r} of a class is none: give it as '#rrggbb'")
        if len(self.colours) != len(self.names):
            raise ConfigError(
                f"{len(self.names)} classes have {len(self.colours)} colours: give one each, the background's first"
            )

    @classmethod
    def of(cls, classes: int, names: Sequence[str] = (), colours: Sequence[str] = ()) -> Self:
        """The legend of so many classes; what is left out is ``class 1`` and so on, and colours that differ.

        Args:
            classes: 1 for one foreground, or the number of exclusive classes, background included.
            names: Of each class, the background first.
            colours: Of each class, the background first.

        Raises:
            ConfigError: There are not as many names or colours as classes, or as :class:`Legend`.
        """
        count = max(classes, 2)
        for what, given in (("names", names), ("colours", colours)):
            if given and len(given) != count:
                raise ConfigError(
                    f"data.classes is {classes} and there are {len(given)} {what} of classes ({', '.join(given)}): give "
                    f"{count}, the background first, or set data.classes to {len(given) if len(given) > 2 else 1}"
                )
        plain = ("foreground",) if classes == 1 else tuple(f"class {number}" for number in range(1, count))
        return cls(tuple(names) or ("background", *plain), tuple(colours) or _colours(count))

    def to_dict(self) -> dict[str, list[str]]:
        """The same in plain JSON values."""
        return {"names": list(self.names), "colours": list(self.colours)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Sequence[str]]) -> Self:
        """What :meth:`to_dict` gave."""
        return cls(tuple(values["names"]), tuple(values["colours"]))

    @classmethod
    def noted(cls, facts: Mapping[str, Any], classes: int) -> Self:
        """What a run noted; of one that noted none, :meth:`of` so many classes."""
        return cls.from_dict(facts["legend"]) if facts.get("legend") else cls.of(classes)

    def check_order(self, other: "Legend | None", name: str) -> None:
        """Refuse a set in which a class of the same name has another number.

        Args:
            other: The classes of the set; None: nobody named them.
            name: The set's name, for the error.

        Raises:
            DataError: There is such a class.

        Example:
            >>> own = Legend.of(3, ["none", "benign", "malignant"])
            >>> own.check_order(Legend.of(3, ["none", "malignant", "cyst"]), "toy")
            Traceback (most recent call last):
            edgewise.DataError: dataset 'toy' has 'malignant' as class 1 and the run as class 2: give masks with ...
        """
        known = {title: number for number, title in enumerate(self.names)}
        for number, title in enumerate(other.names if other else ()):
            if known.get(title, number) != number:
                raise DataError(
                    f"dataset {name!r} has {title!r} as class {number} and the run as class {known[title]}: give masks "
                    f"with the run's numbers, which are {', '.join(f'{place} {own}' for own, place in known.items())}"
                )

    def check_colours(self, masks: Sequence[str], name: str) -> None:
        """Refuse to show a class in the colour that another class has in the masks.

        Args:
            masks: The colour of each class in the masks, as ``#rrggbb``; none where masks have no colours.
            name: The set's name, for the error.

        Raises:
            ConfigError: There is such a class.

        Example:
            >>> swapped = Legend.of(3, colours=["#000000", "#ff0000", "#0000ff"])
            >>> swapped.check_colours(["#000000", "#0000ff", "#ff0000"], "toy")
            Traceback (most recent call last):
            edgewise.ConfigError: 'class 1', class 1 of 'toy', is to be shown in #ff0000, which is class 2 in the masks: ...
        """
        own, shown = ([colour.lower() for colour in part] for part in (masks, self.colours))
        for label, colour in enumerate(shown):
            if label and colour in own and own.index(colour) != label:
                raise ConfigError(
                    f"{self.names[label]!r}, class {label} of {name!r}, is to be shown in {colour}, which is class "
                    f"{own.index(colour)} in the masks: give names and colours in the order {', '.join(own)}, or "
                    "mask_values=" + json.dumps({"palette": shown})
                )


def _colours(count: int) -> tuple[str, ...]:
    """So many colours, the background's first."""
    if count == 2:
        return BLACK, ONE
    hues = ((number * GOLDEN) % 1 for number in range(count - 1 - len(OKABE_ITO)))
    more = ([round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.75, 0.9)] for hue in hues)
    return (BLACK, *OKABE_ITO, *(f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in more))[:count]


@dataclass(frozen=True)
class Stated:
    """What a ``dataset.json`` says of masks.

    Attributes:
        legend: Names and colours of the classes.
        values: The number in the masks that stands for each.
        void: The number of pixels that belong to no class.
    """

    legend: Legend
    values: tuple[int, ...]
    void: int | None = None

    def rule(self) -> MaskValues:
        """How masks are read by it; of one foreground the files say more, which are 0 and 255 as often as 0 and 1."""
        if self.values == (0, 1) and self.void is None:
            return "auto"
        return "labels" if self.values == tuple(range(len(self.values))) else {"palette": list(self.values)}


def read_stated(root: Path) -> Stated | None:
    """The classes that ``dataset.json`` in a folder names.

    As nnU-Net has it: ``{"labels": {"background": 0, "tumour": 1}}``. Of its first version, ``{"0": "background"}`` is read
    too. A label ``ignore`` is void. Colours may stand beside it, ``{"colours": {"tumour": "#ff0000"}}``. A file without
    labels is another's and names nothing.

    Raises:
        DataError: The file is not JSON, or its labels are no names with a number each, of which one is 0.
    """
    path = root / FILE
    if not path.is_file():
        return None
    try:
        content = read_json(path)
    except CheckpointError as error:
        raise DataError(str(error)) from error
    labels = content.get("labels") if isinstance(content, dict) else None
    if not isinstance(labels, dict) or not labels:
        return None
    if all(isinstance(value, str) and key.isdecimal() for key, value in labels.items()):
        labels = {value: int(key) for key, value in labels.items()}
    whole = all(isinstance(value, int) and 0 <= value <= VOID for value in labels.values())
    if not whole or len(set(labels.values())) < len(labels):
        raise DataError(
            f"{path} has the labels {labels}: give each class a number of its own from 0 to {VOID}, as in "
            '{"labels": {"background": 0, "tumour": 1}}; regions of several labels are not read'
        )
    void = labels.pop("ignore", None)
    order = sorted(labels, key=lambda name: labels[name])
    if len(order) < 2 or labels[order[0]] != 0:
        raise DataError(f"{path} has the labels {labels}: give the background, 0, and at least one class")
    colours = _stated_colours(path, content, order)
    return Stated(Legend.of(len(order), order, colours), tuple(labels[name] for name in order), void)


def _stated_colours(path: Path, content: Mapping[str, Any], names: Sequence[str]) -> Sequence[str]:
    given = content.get("colours", content.get("colors"))
    if given is None:
        return ()
    defaults = dict(zip(names, _colours(len(names)), strict=True))
    if not isinstance(given, dict) or not given.keys() <= defaults.keys():
        raise DataError(f'{path} has the colours {given}: give them by the names of labels, as in {{"tumour": "#ff0000"}}')
    try:
        return Legend(tuple(names), tuple({**defaults, **given}.values())).colours
    except ConfigError as error:
        raise DataError(f"{path}: {error}") from error
