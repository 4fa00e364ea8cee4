"""A folder of pictures and nothing else: no masks, no classes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgewise._ground.errors import ConfigError, DataError, warn
from edgewise.vision.data.dataset import DATASETS, SegmentationSet
from edgewise.vision.data.groups import with_groups
from edgewise.vision.data.layouts import SUFFIXES, below, folder_of
from edgewise.vision.data.pixels import EXTENSIONS
from edgewise.vision.data.sample import Sample
from edgewise.vision.data.window import with_window


@DATASETS.register("pictures")
def pictures(
    root: str | Path | None = None,
    channels: int = 3,
    window: Sequence[float] | None = None,
    groups: str | None = None,
    split_by: str | None = None,
) -> SegmentationSet:
    """The pictures in a folder, without masks or classes: what a generation learns from.

    Files named like masks of others, ``ID_mask.png`` beside ``ID.png``, are left out with a warning.

    Args:
        root: The folder; folders within it are not looked into.
        channels: Channels that models see: 1 grey, 3 colour.
        window: Grey levels that become 0 and 1, in pictures of 8 bits too; None: smallest and largest of all, for pictures
            of more than 8 bits.
        groups: What pictures belong together, such as those of a patient: a pattern whose first group names it,
            ``(.*)_\\d+``, or a CSV file of picture and group. They then stay on one side.
        split_by: Way to divide it; None: ``grouped`` where there are groups, else ``published``, single pictures.

    Raises:
        ConfigError: No root is given.
        DataError: There is no such folder, or no picture in it.
    """
    root = folder_of("pictures", root)
    if channels not in (1, 3):
        raise ConfigError(f"channels={channels} cannot be made from pictures: choose 1 (grey) or 3 (colour)")
    samples = [Sample(path.stem, path) for path in _pictures(root)]
    if groups is not None:
        samples = with_groups(samples, groups, root)
    way = split_by or ("published" if groups is None else "grouped")
    stated = frozenset({"masks", "window"} if window is not None else {"masks"})
    return replace(SegmentationSet("pictures", with_window(samples, window), channels, split_by=way), stated=stated)


def _pictures(root: Path) -> list[Path]:
    files = [p for p in sorted(root.iterdir()) if p.suffix.lower() in EXTENSIONS and not p.name.startswith(".")]
    if not files:
        inner = ", ".join(folder.name for folder in below(root)[:5])
        fix = f"give one of the folders in it ({inner})" if inner else f"give a folder of {', '.join(EXTENSIONS)} files"
        raise DataError(f"{root} holds no pictures: {fix}")
    stems = {path.stem for path in files}
    masks = [p for p in files if any(p.stem.endswith(end) and p.stem.removesuffix(end) in stems for end in SUFFIXES[1:])]
    if masks:
        warn(f"{len(masks)} files of {root} are named like masks of others, such as {masks[0].name}, and left out")
    return [path for path in files if path not in masks]
