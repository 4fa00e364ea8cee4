"""DRIVE and CHASE_DB1: vessels of the retina, with two graders and, in DRIVE, a field of view."""

import re
from collections.abc import Mapping
from pathlib import Path

from edgewise._ground.errors import ConfigError, DataError, warn
from edgewise.vision.data.auto import MaskValues
from edgewise.vision.data.coded import with_coding
from edgewise.vision.data.dataset import DATASETS, SegmentationSet
from edgewise.vision.data.layouts import below, files_by_stem, read_layout
from edgewise.vision.data.sample import Sample
from edgewise.vision.data.splits import by_groups_if_known

DRIVE = (
    "Staal, Abramoff, Niemeijer, Viergever, van Ginneken: Ridge-based vessel segmentation in color images of the retina. "
    "IEEE Transactions on Medical Imaging 23, 2004. Research and education, cite."
)
CHASE = (
    "Fraz et al.: An ensemble classification-based approach applied to retinal blood vessel segmentation. IEEE "
    "Transactions on Biomedical Engineering 59, 2012. CC BY 4.0, cite."
)
GRADERS = {1: "1st", 2: "2nd"}
SIDES = {"training": "train", "test": "test"}


@DATASETS.register("drive")
def drive(
    root: str | Path | None = None, grader: int = 1, split_by: str | None = None, mask_values: MaskValues = "binary"
) -> SegmentationSet:
    """40 photos of the retina, 20 to learn from and 20 to test on; what lies outside the field of view is void.

    Layout as released (drive.grand-challenge.org): ``training/images/21_training.tif``, ``1st_manual/21_manual1.gif``,
    ``mask/21_training_mask.gif`` for the field of view; and the same in ``test/``, with ``2nd_manual/01_manual2.gif``.
    Later releases keep the masks of the test side back; it is left out then, with a warning.

    Args:
        root: The folder of the dataset, or the one around it.
        grader: 1 or 2; the second one graded the test side alone.
        split_by: Way to divide it; None: ``sides``, or ``published`` where there is one side.
        mask_values: How masks are read, as by ``folder``.

    Raises:
        ConfigError: There is no such grader.
    """
    _check(grader, "drive")
    samples = read_layout("drive", root, {("training/images",): lambda folder: _sides(folder, grader)})
    sides = {sample.side for sample in samples}
    split_by = split_by or ("sides" if len(sides) > 1 else "published")
    return SegmentationSet("drive", with_coding(samples, mask_values), channels=3, citation=DRIVE, split_by=split_by)


def _check(grader: int, name: str) -> None:
    if grader not in GRADERS:
        raise ConfigError(f"grader={grader!r} of {name!r} must be 1 or 2")


def _sides(folder: Path, grader: int) -> list[Sample]:
    samples: list[Sample] = []
    for part, side in SIDES.items():
        graded = folder / part / f"{GRADERS[grader]}_manual"
        if not graded.is_dir():
            if (folder / part).is_dir():
                warn(f"{folder / part} has no {graded.name}, so its pictures are left out; get the masks of that grader")
            continue
        masks, fields = _by_number(graded), _by_number(folder / part / "mask")
        for number, image in _by_number(folder / part / "images").items():
            if number not in masks or number not in fields:
                what = graded if number not in masks else folder / part / "mask"
                raise DataError(f"{image} has no file of its number in {what}; get the whole release")
            samples.append(Sample(image.stem, image, (masks[number],), side=side, field=fields[number]))
    if not samples:
        raise DataError(f"{folder} has no masks of grader {grader}; give another grader, or get the whole release")
    return samples


def _by_number(folder: Path) -> Mapping[str, Path]:
    """The pictures of a folder by the number that their names begin with."""
    return {stem.split("_")[0]: path for stem, path in files_by_stem(folder).items()}


@DATASETS.register("chase")
def chase(
    root: str | Path | None = None, grader: int = 1, split_by: str | None = None, mask_values: MaskValues = "binary"
) -> SegmentationSet:
    """CHASE_DB1: 28 photos of the retina, of the left and the right eye of 14 children; no field of view is released.

    Layout as released (Kingston University): ``Image_01L.jpg`` beside ``Image_01L_1stHO.png`` and
    ``Image_01L_2ndHO.png``, in one folder or, as mirrors have it, in ``Images/`` and ``Masks/``. Both eyes of a child are
    on one side of the split.

    Args:
        root: The folder of the dataset, or the one around it.
        grader: 1 or 2.
        split_by: Way to divide it; None: ``grouped`` by child.
        mask_values: How masks are read, as by ``folder``.

    Raises:
        ConfigError: There is no such grader.
    """
    _check(grader, "chase")

    def read(folder: Path) -> list[Sample]:
        return _eyes(folder, grader)

    samples = read_layout("chase", root, {("*_1stHO.png",): read, ("*/*_1stHO.png",): read})
    dataset = SegmentationSet("chase", with_coding(samples, mask_values), channels=3, citation=CHASE)
    return by_groups_if_known(dataset, split_by, "child")


def _eyes(folder: Path, grader: int) -> list[Sample]:
    files = {path.stem: path for part in (folder, *below(folder)) for path in sorted(part.iterdir()) if path.is_file()}
    eyes = {stem: found[1] for stem in files if (found := re.fullmatch(r"Image_(\d+)[LR]", stem))}
    samples = []
    for stem, child in eyes.items():
        mask = files.get(f"{stem}_{GRADERS[grader]}HO")
        if mask is None:
            raise DataError(f"{files[stem]} has no {stem}_{GRADERS[grader]}HO.png beside it; get the whole release")
        samples.append(Sample(stem, files[stem], (mask,), group=f"child {child}"))
    return samples
