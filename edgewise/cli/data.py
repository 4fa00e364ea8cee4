"""``edgewise data``: what there is to learn from, and whether it is sound."""

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from edgewise._ground.errors import ConfigError
from edgewise.cli._parse import NO_OPTIONS, call, summary
from edgewise.cli._tables import print_table

if TYPE_CHECKING:
    from edgewise.vision.data import ClassificationSet, SegmentationSet
    from edgewise.vision.data.classes import ClassCount
    from edgewise.vision.volumes import VolumeSet

PUBLISHED_SEED = 2981
_PAIRS = 10
"""Pairs of equal pictures to show."""


def main(words: list[str]) -> None:
    """Run the subcommand."""
    call(command, words, prog="edgewise data")


def command(
    name: Annotated[str | None, arg(metavar="NAME")] = None,
    /,
    *,
    root: Annotated[Path | None, arg(metavar="DIR")] = None,
    options: dict[str, Any] = NO_OPTIONS,
    split_seed: int = PUBLISHED_SEED,
) -> None:
    """List the datasets, or read all of one: sizes, how masks are read, classes, and pictures that occur twice.

    examples:
      edgewise data
      edgewise data nuclei
      edgewise data busi --root ~/data/busi
      edgewise data folder --root ~/mine --options '{"mask_values": "labels", "void": 255}'

    Args:
        name: Dataset to describe; without it, all are listed.
        root: Folder that holds the dataset; none needed for those that edgewise fetches.
        options: Further options of the dataset, as in `edgewise train --data.options`.
        split_seed: Seed of the split whose sides are compared.
    """
    if name is None:
        if root is not None or options or split_seed != PUBLISHED_SEED:
            raise ConfigError("--root, --options and --split-seed are of a dataset and none is named: name one")
        _list()
    else:
        _describe(name, root, options, split_seed)


def _list() -> None:
    from edgewise.vision.data import DATASETS

    rows = [(name, summary(DATASETS[name])) for name in DATASETS]
    print_table(("dataset", ""), rows, left=(0, 1))


def _describe(name: str, root: Path | None, options: dict[str, Any], split_seed: int) -> None:
    from edgewise.vision.data import ClassificationSet, dataset_of, describe
    from edgewise.vision.volumes import VolumeSet

    dataset = dataset_of(name, root, options)
    if isinstance(dataset, ClassificationSet):
        _describe_classes(dataset, split_seed)
        return
    if isinstance(dataset, VolumeSet):
        _describe_scans(dataset, split_seed)
        return
    if not any(sample.masks for sample in dataset):
        _describe_pictures(dataset, split_seed)
        return
    facts = describe(dataset)
    split = dataset.split(split_seed)
    rows = [
        ("samples", str(facts["samples"])),
        ("channels", str(facts["channels"])),
        ("height x width", _sizes(facts["sizes"])),
        *([("grey levels", "{:g} to {:g} become 0 to 1".format(*facts["window"]))] if facts["window"] else []),
        ("masks", facts["masks"]),
        ("classes", "\n".join(map(_class, facts["classes"]))),
        ("foreground", f"{facts['foreground']:.1%} of a picture ({facts['smallest']:.1%} to {facts['largest']:.1%})"),
        ("empty masks", str(facts["empty_masks"])),
        ("split", f"{len(split.train)} train, {len(split.validation)} validation, {len(split.test)} test"),
        ("divided", dataset.split_by + (f", {facts['groups']} groups" if facts["groups"] else ", groups unknown")),
        ("leaks", split.leak_note() or ("none known" if facts["groups"] else "unknown without groups")),
        ("same picture twice", _pairs(facts["duplicates"])),
        ("on two sides", _pairs(split.duplicates())),
        *([("source", facts["citation"])] if facts["citation"] else []),
    ]
    print_table((name, ""), rows, left=(0, 1))


def _describe_scans(dataset: "VolumeSet", split_seed: int) -> None:
    from edgewise.vision.volumes.describe import describe_volumes

    found = describe_volumes(dataset, split_seed)
    classes = "\n".join(_class(count, "voxels") for count in found.classes)
    print_table((dataset.name, ""), [*found.rows, ("classes", classes)], left=(0, 1))
    for fault in found.faults:
        print(f"edgewise: error: {fault}", file=sys.stderr)
    if found.faults:
        raise SystemExit(1)


def _describe_pictures(dataset: "SegmentationSet", split_seed: int) -> None:
    from edgewise.vision.data import find_duplicates

    split = dataset.split(split_seed)
    sizes = Counter(sample.read_image().shape[1:] for sample in dataset)
    groups = {sample.group for sample in dataset}
    rows = [
        ("pictures", str(len(dataset))),
        ("channels", str(dataset.channels)),
        ("height x width", _sizes(dict(sizes.most_common()))),
        ("masks", "none: these are for edgewise train generation"),
        ("split", f"{len(split.train)} train, {len(split.validation)} validation, {len(split.test)} test"),
        ("divided", dataset.split_by + (", groups unknown" if None in groups else f", {len(groups)} groups")),
        ("same picture twice", _pairs(find_duplicates(dataset))),
        ("on two sides", _pairs(split.duplicates())),
    ]
    print_table((dataset.name, ""), rows, left=(0, 1))


def _describe_classes(dataset: "ClassificationSet", split_seed: int) -> None:
    from edgewise.vision.data.describe import describe_classes

    facts = describe_classes(dataset)
    split = dataset.split(split_seed)
    counts = facts["classes"]
    smallest, largest = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    copies = [" = ".join(names) for names in facts["duplicates"]]
    rows = [
        ("samples", str(facts["samples"])),
        ("channels", str(facts["channels"])),
        ("height x width", _sizes(facts["sizes"])),
        ("classes", f"{len(counts)}, from {counts[smallest]} ({smallest}) to {counts[largest]} ({largest}) pictures"),
        ("split", f"{len(split.train)} train, {len(split.validation)} validation, {len(split.test)} test"),
        ("groups", str(len(set(dataset.groups))) if dataset.groups else "unknown"),
        ("leaks", split.leak_note() or ("none known" if dataset.groups else "unknown without groups")),
        ("same picture twice", "\n".join(_first(copies)) or "none"),
        *([("source", facts["citation"])] if facts["citation"] else []),
    ]
    print_table((dataset.name, ""), rows, left=(0, 1))


def _class(count: "ClassCount", of: str = "pixels") -> str:
    return f"{count.title}: {count.pixels:,} {of} in {count.samples} masks, most in {count.example}"


def _sizes(sizes: dict[tuple[int, ...], int]) -> str:
    shown = ", ".join(f"{height} x {width} ({count})" for (height, width), count in list(sizes.items())[:3])
    return shown + (f" and {len(sizes) - 3} sizes more" if len(sizes) > 3 else "")


def _pairs(duplicates: list) -> str:
    return "\n".join(_first([f"{p.first} = {p.second} (distance {p.distance:.4f})" for p in duplicates])) or "none"


def _first(pairs: list[str]) -> list[str]:
    return pairs[:_PAIRS] + ([f"and {len(pairs) - _PAIRS} pairs more"] if len(pairs) > _PAIRS else [])
