"""The rule for reading masks, found from all of a set's files: what ``mask_values="auto"`` means."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from edgewise._ground.errors import DataError
from edgewise._ground.registry import unknown
from edgewise.vision.data.coding import VOID, Binary, Coding, Labels, Palette, Soft
from edgewise.vision.data.mask_file import WHITE, Plane, read_mask_file
from edgewise.vision.data.stating import KINDS, Value, coding_from, number_of
from edgewise.vision.data.survey import Histogram, Survey, survey

LABELS, CODES = 32, 16
"""Labels are mostly below the first number; grey levels that stand for classes are at most as many as the second."""
STATE = 'say what their values are: mask_values="labels", "binary", "soft", or {"palette": [...]}'

MaskValues = str | Mapping[str, Any]


def read_as(mask_values: MaskValues, files: Iterable[tuple[Path, int | None]], void: Value | None = None) -> Coding:
    """The rule by which the masks of a set are read.

    Stated rules need no look at the files, but for ``labels`` (palette entries, or grey levels) and ``colours``. ``auto``
    looks at all of them and decides once:

    * Alpha is the mask where it varies and the opaque colours are one, or those of a photo. Entries of a palette are
      where all files have one and agree on it. Colours are where there are any. Everything else is grey levels.
    * At most one value beside 0, or 1 in some files and 255 in others: `Binary`.
    * Values from 0 to 31: `Labels`, 255 beside them being void. So are higher ones that cover areas.
    * At most 16 grey levels with gaps, or colours, that cover areas: `Palette`, a class each in ascending order.
    * Values that cover no area between 0 and the largest: `Soft`, cut at half.
    * What could be two of these is an error.

    Args:
        mask_values: ``auto``, ``labels``, ``binary``, ``instances``, ``soft``, ``colours``, or a dictionary as
            `coding_from` reads it.
        files: The mask files of the whole set, each with its page.
        void: Value of pixels that belong to no class.

    Raises:
        ConfigError: The rule is unknown.
        DataError: The files fit no rule, or more than one.
    """
    void = None if void is None else number_of(void)
    if isinstance(mask_values, Mapping):
        return coding_from(mask_values, void)
    if mask_values in ("binary", "instances", "soft"):
        return coding_from({"kind": mask_values}, void)
    if mask_values not in ("auto", "labels", "colours"):
        raise unknown("mask_values", mask_values, ["auto", "colours", *(kind for kind in KINDS if kind != "palette")])
    found = survey(read_mask_file(path, page) for path, page in files)
    if mask_values == "labels":
        if found.colour.pixels and not _has_palettes(found):
            raise DataError(
                f"masks such as {found.coloured} are in colours and have no numbers of classes: give the colour of each, "
                'the background first, mask_values={"palette": ["#000000", "#ff0000"]}'
            )
        return Labels("index" if _has_palettes(found) else "grey", void)
    if mask_values == "colours":
        return _of_colours(found, void)
    return find_coding(found, void)


def find_coding(found: Survey, void: int | None = None) -> Coding:
    """The rule of ``auto`` for what a survey found; see :func:`read_as`.

    Raises:
        DataError: The files fit no rule, or more than one.
    """
    if len(found.alpha.pixels) > 1 and (len(found.opaque) <= 1 or len(found.opaque) >= 256):
        return _of_numbers(found.alpha, "alpha", found, void)
    if _has_palettes(found):
        return _of_numbers(found.index, "index", found, void)
    if found.colour.pixels:
        return _of_colours(found, void)
    if found.fraction is not None:
        return Soft(level=0.5 if found.fraction <= 1 else found.fraction / 2)
    return _of_numbers(found.grey, "grey", found, void)


def _has_palettes(found: Survey) -> bool:
    """Whether entries of palettes are numbers of classes: all files agree on them, and only entry 0 may be black."""
    if found.files["palette"] < found.files["all"] or not found.palettes:
        return False
    colours = {colour for entry in found.palettes.values() for colour in entry}
    agree = all(len(entry) == 1 for entry in found.palettes.values())
    return agree and not colours <= {0, WHITE} and not any(0 in found.palettes[entry] for entry in found.palettes if entry)


def _of_numbers(histogram: Histogram, plane: Plane, found: Survey, void: int | None) -> Coding:
    values = [value for value in histogram.values if value != void]
    peak = max(values, default=0)
    if values and values[0] < 0:
        raise DataError(f"masks hold the value {values[0]}, which is no class; save them with values from 0 on")
    between = [value for value in values if 0 < value < 0.9 * peak]
    flat = histogram.flat_share(between) >= 0.5
    if found.files["lossy"]:
        return _of_jpegs(plane, peak, flat)
    if void is None and sum(value != 0 for value in values) <= 1:
        return Binary(plane)
    rest = values[:-1] if peak == VOID and void is None else values
    if max(rest, default=0) < LABELS or (flat and rest != values and rest == list(range(len(rest))) and len(rest) < VOID):
        if rest != values and rest[-2:] == [0, 1] and _is_mixed(histogram):
            return Binary(plane)
        if rest != values:
            _check_void(histogram, flat)
        return Labels(plane, void if rest == values else VOID)
    if not flat and void is None:
        return Soft(plane, 128 if 128 <= peak <= 255 else peak / 2)
    if len(values) <= CODES and values != list(range(len(values))):
        return Palette(plane, tuple(values), void)
    return Labels(plane, void)


def _is_mixed(histogram: Histogram) -> bool:
    """Whether each of several files has one value beside 0, which is not the same in all."""
    return histogram.files > 1 and not histogram.several


def _check_void(histogram: Histogram, flat: bool) -> None:
    """255 beside labels is void where some file has both and the labels cover areas."""
    if _is_mixed(histogram) or not flat:
        how = "in no file together" if _is_mixed(histogram) else "and small ones cover no area"
        raise DataError(f"masks can be read in two ways (small values and 255 occur, {how}); {STATE}, or give void=255")


def _of_jpegs(plane: Plane, peak: int, flat: bool) -> Coding:
    if flat or 0 < peak < 64:
        what = "several levels that cover areas" if flat else f"values up to {peak}"
        raise DataError(f"masks are JPEGs with {what}, which compression changes; save them as PNG, or {STATE}")
    return Soft(plane)


def _of_colours(found: Survey, void: int | None) -> Coding:
    colours = sorted({*found.colour.pixels, *(grey * 0x010101 for grey in found.grey.pixels)})
    count = found.colour.pixels
    flat = [colour for colour in colours if colour not in count or found.colour.flat_share([colour]) >= 0.5]
    if found.files["lossy"] or len(colours) > 256 or len(flat) < len(colours) / 2:
        seen = ", ".join(f"#{colour:06x}" for colour in sorted(flat, key=lambda colour: -count[colour])[:8])
        raise DataError(
            f"masks such as {found.coloured} hold {len(colours)} colours, more than there can be classes (areas have "
            f"{seen}); give the classes' own "
            'colours, the background first: mask_values={"palette": ["#000000", "#ff0000"], "nearest": true}'
        )
    known = [colour for colour in colours if colour != void]
    if 0 not in known:
        seen = ", ".join(f"#{colour:06x}" for colour in known[:8])
        raise DataError(
            f"masks such as {found.coloured} hold the colours {seen} and no black, so the background is unknown; "
            'give all of them, the background first: mask_values={"palette": ["#ffffff", "#ff0000"]}'
        )
    return Binary("grey") if len(known) == 2 and void is None else Palette("colour", tuple(known), void)
