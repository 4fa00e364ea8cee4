"""Any folder of pictures with masks: beside them, in a folder of their own, or divided in sides."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data.auto import MaskValues
from edgewise.vision.data.coded import with_coding
from edgewise.vision.data.coding import Binary, Soft
from edgewise.vision.data.dataset import DATASETS, SegmentationSet
from edgewise.vision.data.finding import Naming, read_folder
from edgewise.vision.data.groups import with_groups
from edgewise.vision.data.known import find_known
from edgewise.vision.data.layouts import folder_of
from edgewise.vision.data.legend import Legend, read_stated
from edgewise.vision.data.polygons import find_polygons
from edgewise.vision.data.sample import Sample
from edgewise.vision.data.stating import Value
from edgewise.vision.data.window import with_window


@DATASETS.register("folder")
def folder(
    root: str | Path | None = None,
    images: str | None = None,
    masks: str | None = None,
    mask_suffix: str | None = None,
    key: str | None = None,
    mask_values: MaskValues = "auto",
    void: Value | None = None,
    channels: int = 3,
    window: Sequence[float] | None = None,
    groups: str | None = None,
    split_by: str | None = None,
    names: Sequence[str] | None = None,
    colours: Sequence[str] = (),
    spacing: Sequence[float] | None = None,
) -> SegmentationSet:
    """One's own pictures and masks: ``images/ID.png`` and ``masks/ID.png``, extensions may differ.

    A published set in its released form (see :mod:`edgewise.vision.data.known`) is read as by its own name, with its
    groups and sides.

    Also read: folders ``train``, ``val`` and ``test`` of these, or within these, which become the three sides; masks
    named ``ID_mask``, in one folder with the pictures or in their own; a folder for each picture with ``images/`` and
    ``masks/`` in it, one mask an instance, as in DSB2018.

    How masks are read is decided once for the whole set; `edgewise data folder --root DIR` shows how, with the pixels of
    each class. See :func:`edgewise.vision.data.auto.read_as`.

    Args:
        root: The folder, or the one around it.
        images: Name of the folder of pictures; None: ``images`` or a name like it. ``.`` is the folder itself.
        masks: Name of the folder of masks; None: ``masks`` or a name like it. ``masks/0`` reads the layout of the U-KAN
            code.
        mask_suffix: What a mask's stem has after the picture's, such as ``_mask``; ``ID_mask_1`` etc. are masks of the
            same picture. None: found.
        key: Where names differ otherwise: a pattern whose first group is what a picture and its masks share, such as
            ``(\\d+)_``.
        mask_values: What the values of masks mean: ``auto``, ``labels``, ``binary``, ``soft``, ``colours``, or
            ``{"palette": [[0, 0, 0], [255, 0, 0]]}`` with the background first.
        void: Value of pixels that belong to no class, a number or a colour: losses and scores leave them out.
        channels: Channels that models see: 1 grey, 3 colour.
        window: Lowest and highest value of all pictures, those of 8 bits too; None: those of the whole set for pictures of
            more than 8 bits.
        groups: What must stay on one side of a split, such as a patient: a pattern like ``(.*)_\\d+`` whose first group
            in the picture's name it is, or a CSV file of names and groups.
        split_by: Way to divide it; None: ``sides`` if it has them, ``grouped`` if it has groups, else ``published``.
        names: What the classes are called, the background first; None: as ``dataset.json`` in the folder says, if there is
            one, see :func:`edgewise.vision.data.legend.read_stated`.
        colours: The colours that they are shown in, as ``#rrggbb``, the background's first.
        spacing: Millimetres from one pixel to the next, down and across, of all pictures.

    Raises:
        ConfigError: An option cannot be.
        DataError: The files are missing, named otherwise, or masks can be read in more than one way.
    """
    texts = {"images": images, "masks": masks, "mask_suffix": mask_suffix, "key": key, "groups": groups}
    for name, text in texts.items():
        if not isinstance(text, str | None):
            raise ConfigError(f"{name}={text!r} must be text")
    at = folder_of("folder", root)
    naming = Naming(images, masks, mask_suffix, key)
    known = find_known(at) if naming == Naming() else None
    drawn = find_polygons(at) if naming == Naming() and known is None else None
    samples = known.samples if known else drawn[0] if drawn else read_folder(at, naming)
    if groups is not None:
        samples = with_groups(samples, groups, at)
    if split_by is None:
        default = "sides" if known is None and samples[0].side else known.split_by if known else "published"
        split_by = "grouped" if groups and default != "sides" else default
    if groups is not None and split_by == "grouped" and (count := len({sample.group for sample in samples})) < 3:
        raise DataError(
            f"groups={groups!r} makes {count} groups of {len(samples)} pictures in {at} and three sides need one each: "
            "give groups that part them further, or split_by='published'"
        )
    places = [at, *(place for place in samples[0].image.parents if at in place.parents)]
    stated = next(filter(None, map(read_stated, places)), None)
    if stated is not None and mask_values == "auto" and drawn is None:
        mask_values, void = stated.rule(), stated.void if void is None else void
    if not (known or drawn) or mask_values != "auto" or void is not None:
        samples = with_coding(samples, mask_values, void)
    samples = with_window(samples, window)
    samples = with_spacing(samples, spacing)
    one = isinstance(samples[0].coding, Binary | Soft)
    legend = known.legend if known else drawn[1] if drawn else stated.legend if stated else None
    if legend is not None and one and len(legend.names) > 2:
        legend = None
    said = {"masks": bool(known or drawn) or mask_values not in ("auto", "colours"), "window": window is not None}
    return SegmentationSet(
        "folder",
        samples,
        channels=channels,
        citation=known.citation if known else "",
        split_by=split_by,
        stated=frozenset(name for name, is_stated in said.items() if is_stated),
        legend=_stated_legend(names, colours) or legend,
    )


def _stated_legend(names: Sequence[str] | None, colours: Sequence[str]) -> Legend | None:
    """The names and colours of classes that are given as options."""
    if colours and not names:
        raise ConfigError(f"colours={list(colours)} is given and names is not: give names of as many classes too")
    return Legend.of(len(names), names, colours) if names else None


def with_spacing(samples: Sequence[Sample], spacing: Sequence[float] | None) -> tuple[Sample, ...]:
    """The samples, all with this distance of pixels in millimetres, where one is given.

    Raises:
        ConfigError: It is not two numbers above 0.
    """
    if spacing is None:
        return tuple(samples)
    numbers = isinstance(spacing, list | tuple) and all(isinstance(step, int | float) and step > 0 for step in spacing)
    if not numbers or len(spacing) != 2:
        raise ConfigError(f"spacing={spacing!r} must be two numbers above 0, millimetres down and across")
    return tuple(replace(sample, spacing=(float(spacing[0]), float(spacing[1]))) for sample in samples)
