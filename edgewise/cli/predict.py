"""``edgewise predict``: masks for pictures that have none, classes, and numbers for rows."""

import sys
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import UseAppendAction, arg

from edgewise._ground.errors import ConfigError, DataError
from edgewise.cli._parse import call

if TYPE_CHECKING:
    from edgewise.kan.discovery.folder import FitFolder
    from edgewise.kan.tables.decimals import Decimal


def main(words: list[str]) -> None:
    """Run the subcommand."""
    call(command, words, prog="edgewise predict")


def command(
    run: Annotated[Path, arg(metavar="RUN")],
    images: Annotated[tuple[Path, ...], arg(metavar="[RUN...] IMAGE...")] = (),
    /,
    *,
    out: Annotated[Path, arg(metavar="DIR")],
    device: str = "cpu",
    threshold: UseAppendAction[tuple[float, ...]] = (),
    smallest: UseAppendAction[tuple[int, ...]] = (),
    largest_component: bool | None = None,
    tta: bool = False,
    probabilities: bool = False,
    decimal: Literal["point", "comma"] | None = None,
) -> None:
    """Segment pictures with the best epoch of a run: a mask and an overlay for each, at
    the picture's own size. Of a run of classification, name their classes. Of a fit,
    the target of each row of a table.

    examples:
      edgewise predict runs/first *.png --out masks
      edgewise predict runs/first pictures/ --out masks
      edgewise predict runs/first pictures/ --out masks --smallest 50 --probabilities
      edgewise predict runs/first runs/second pictures/ --out masks --tta
      edgewise predict nuclei.onnx pictures/ --out masks
      edgewise predict runs/scans scan.nii.gz patients/ --out masks
      edgewise predict runs/digits *.png --out named
      edgewise predict formula rows.csv --out answers.csv

    Args:
        run: Folder made by `edgewise train`, `edgewise demo` or `edgewise fit`; also an ONNX file of a
            segmentation by `edgewise export`, or a folder of runs.
        images: More runs of the same segmentation, whose probabilities are then averaged. Picture files,
            and folders with all below them; of a run of volumes, NIfTI files, TIFF stacks and DICOM series,
            and folders with all below them, whose masks become ID_mask.nii.gz; of a fit, a CSV file, an Excel
            workbook (.xlsx) or a Parquet file whose first line names its columns.
        out: Folder for ID_mask.png and ID_overlay.png, in subfolders as the pictures are, or for
            predictions.csv; made if needed. Of a fit also a CSV file.
        device: Where to compute, such as cpu or cuda.
        threshold: A pixel may be of a class above this probability: once for all classes, or again for each.
            This and the next two each replace what the run says.
        smallest: Components of fewer pixels become background: once for all classes, or again for each.
        largest_component: Of each class, all components but the largest become background: True or False.
        tta: See each picture or scan turned and flipped too, as in training, and average the probabilities:
            two to eight times the work.
        probabilities: Also write ID_probability.png, 16 bits with 65535 for 1; of several classes
            ID_probability_N.png for each N but 0. Of scans ID_probability.nii.gz.
        decimal: Of a fit, the decimal sign where the table leaves it open.
    """
    from edgewise.kan.discovery.folder import FitFolder

    fit = FitFolder(run)
    of_masks = (threshold or None, smallest or None, largest_component)
    asked = tta or probabilities or of_masks != (None, None, None)
    if fit.is_there:
        if asked:
            raise ConfigError(f"{run} is a fit and makes no masks: leave out what is asked of masks")
        if device != "cpu":
            raise ConfigError(f"--device is {device!r} and a fit is computed on the cpu: leave it out")
        _predict_rows(fit, images, out, decimal)
        return
    if decimal is not None:
        raise ConfigError(f"--decimal is {decimal} and {run} is no fit, which alone reads tables: leave it out")
    if not run.is_dir() and run.suffix != ".onnx":
        raise DataError(f"{run} is no folder: give one made by `edgewise train`, `edgewise demo` or `edgewise fit`")
    from edgewise.vision import Decision, Inference, predict
    from edgewise.vision.training.members import is_member

    more = list(takewhile(is_member, images))
    pictures = images[len(more) :]
    if not pictures:
        raise DataError("no picture given: name the files to segment, edgewise predict RUN IMAGE... --out DIR")
    inference = Inference(decision=Decision(*of_masks), turned=tta, probabilities=probabilities)
    done = predict([run, *more], pictures, out, device, inference if asked else None)
    for reason in done.failures.values():
        print(f"edgewise: error: {reason}", file=sys.stderr)
    print(f"{done.summary()} to {out}")
    if done.failures:
        raise SystemExit(1)


def _predict_rows(fit: "FitFolder", tables: tuple[Path, ...], out: Path, decimal: "Decimal | None") -> None:
    """Answer about the rows of a table."""
    if len(tables) != 1:
        raise DataError(f"{fit.path} is a fit and takes one table, got {len(tables)} files: name the one of the new rows")
    print(f"predictions: {fit.predict(tables[0], out, decimal)}")
