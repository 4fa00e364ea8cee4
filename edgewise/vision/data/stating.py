"""The rule for reading masks that a dictionary, a file or a command line states."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import unknown
from edgewise.vision.data.coding import VOID, Binary, Coding, Instances, Labels, Palette, Soft
from edgewise.vision.data.mask_file import PLANES, pack

Value = int | str | Sequence[int]
"""A grey level, a colour as ``#rrggbb``, or one as three numbers."""
KINDS: dict[str, type[Coding]] = {kind.kind: kind for kind in (Binary, Instances, Soft, Labels, Palette)}


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
    if not 1 <= stated.get("label", 1) < VOID:
        raise ConfigError(f"the label of masks is {stated['label']!r} and must be from 1 to {VOID - 1}")
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
