"""``edgewise demo``: three networks on real microscopy images, from nothing to a report."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from edgewise.cli._allocator import keep_freed_memory
from edgewise.cli._parse import call
from edgewise.cli._tables import print_methods
from edgewise.vision import Model, SegmentationRecipe, train, write_report
from edgewise.vision.segmentation.recipes import nuclei

NETWORKS = {
    "U-Net": Model(name="unet"),
    "U-KAN": Model(name="ukan"),
    "ALL U-KAN": Model(name="all_ukan"),
}


def main(words: list[str]) -> None:
    """Run the subcommand."""
    keep_freed_memory()  # this process is for training alone
    call(command, words, prog="edgewise demo")


def command(
    *,
    out: Annotated[Path, arg(metavar="DIR")] = Path("runs/demo"),
    root: Annotated[Path | None, arg(metavar="DIR")] = None,
    quick: bool = False,
) -> None:
    """Fetch a stack of nuclei, train U-Net, U-KAN and ALL U-KAN on it by one recipe, score
    them on slices held out, beside the best grey-level threshold, and write a report.

    Interrupted, the same command goes on where it was.

    examples:
      edgewise demo
      edgewise demo --quick --out /tmp/demo

    Args:
        out: Folder for the runs and the report.
        root: Folder that holds nuclei.tif and nuclei_label.tif already.
        quick: Two epochs: whether everything works, not how well.
    """
    recipe = demo_recipe(root, quick)
    folders = {title: out / model.name for title, model in NETWORKS.items()}
    for title, model in NETWORKS.items():
        train(replace(recipe, model=model), folders[title], resume=True)
    report = write_report(list(folders.values()), out / "report.html", titles=list(folders))
    print_methods(report.methods)
    print(f"report: {report.html}")


def demo_recipe(root: Path | None, quick: bool) -> SegmentationRecipe:
    """The nuclei recipe, from a folder if one is given, cut short if it is to be quick."""
    recipe = nuclei()
    recipe = replace(recipe, data=replace(recipe.data, root=None if root is None else str(root)))
    return replace(recipe, epochs=2) if quick else recipe
