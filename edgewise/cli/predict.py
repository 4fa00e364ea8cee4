"""``edgewise predict``: masks for pictures that have none."""

import sys
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from edgewise._ground.errors import DataError
from edgewise.cli._parse import call


def main(words: list[str]) -> None:
    """Run the subcommand."""
    call(command, words, prog="edgewise predict")


def command(
    run: Annotated[Path, arg(metavar="RUN")],
    images: Annotated[tuple[Path, ...], arg(metavar="IMAGE...")] = (),
    /,
    *,
    out: Annotated[Path, arg(metavar="DIR")],
    device: str = "cpu",
) -> None:
    """Segment pictures with the best epoch of a run: a mask and an overlay for each, at
    the picture's own size. Of a run of classification, name their classes.

    examples:
      edgewise predict runs/first *.png --out masks
      edgewise predict runs/first pictures/ --out masks
      edgewise predict runs/digits *.png --out named

    Args:
        run: Folder made by `edgewise train` or `edgewise demo`.
        images: Picture files, and folders of them.
        out: Folder for ID_mask.png and ID_overlay.png, or for predictions.csv; made if needed.
        device: Where to compute, such as cpu or cuda.
    """
    from edgewise.vision import predict

    if not images:
        raise DataError("no picture given: name the files to segment, edgewise predict RUN IMAGE... --out DIR")
    done = predict(run, images, out, device)
    for reason in done.failures.values():
        print(f"edgewise: error: {reason}", file=sys.stderr)
    print(f"{done.summary()} to {out}")
    if done.failures:
        raise SystemExit(1)
