"""``edgewise data``: what there is to learn from, and whether it is sound."""

from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from edgewise.cli._parse import call, summary
from edgewise.cli._tables import print_table

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
    split_seed: int = 2981,
) -> None:
    """List the datasets, or read all of one: sizes, masks, and pictures that occur twice.

    examples:
      edgewise data
      edgewise data nuclei
      edgewise data busi --root ~/data/busi

    Args:
        name: Dataset to describe; without it, all are listed.
        root: Folder that holds the dataset; none needed for those that edgewise fetches.
        split_seed: Seed of the split whose sides are compared.
    """
    if name is None:
        _list()
    else:
        _describe(name, root, split_seed)


def _list() -> None:
    from edgewise.data import DATASETS

    rows = [(name, summary(DATASETS[name])) for name in DATASETS]
    print_table(("dataset", ""), rows, left=(0, 1))


def _describe(name: str, root: Path | None, split_seed: int) -> None:
    from edgewise.data import create_dataset, describe

    dataset = create_dataset(name, root=root)
    facts = describe(dataset)
    split = dataset.split(split_seed)
    sizes = list(facts["sizes"].items())
    shown = ", ".join(f"{height} x {width} ({count})" for (height, width), count in sizes[:3])
    more = f" and {len(sizes) - 3} sizes more" if len(sizes) > 3 else ""
    rows = [
        ("samples", str(facts["samples"])),
        ("channels", str(facts["channels"])),
        ("height x width", shown + more),
        ("foreground", f"{facts['foreground']:.1%} of a picture ({facts['smallest']:.1%} to {facts['largest']:.1%})"),
        ("empty masks", str(facts["empty_masks"])),
        ("split", f"{len(split.train)} train, {len(split.validation)} validation, {len(split.test)} test"),
        ("same picture twice", _pairs(facts["duplicates"])),
        ("on two sides", _pairs(split.duplicates())),
        ("source", facts["citation"]),
    ]
    print_table((name, ""), rows, left=(0, 1))


def _pairs(duplicates: list) -> str:
    shown = [f"{pair.first} = {pair.second} (distance {pair.distance:.4f})" for pair in duplicates[:_PAIRS]]
    more = [f"and {len(duplicates) - _PAIRS} pairs more"] if len(duplicates) > _PAIRS else []
    return "\n".join(shown + more) or "none"
