"""GlaS: glands in histology slides of the colon."""

import csv
from dataclasses import replace
from pathlib import Path

from edgewise._ground.errors import DataError
from edgewise.vision.data.auto import MaskValues
from edgewise.vision.data.coded import with_coding
from edgewise.vision.data.dataset import DATASETS, SPLITS, SegmentationSet, Split
from edgewise.vision.data.glas_patients import PATIENTS
from edgewise.vision.data.layouts import PLAIN, UKAN, pair, read_layout, read_plain, read_ukan
from edgewise.vision.data.sample import Sample
from edgewise.vision.data.splits import by_groups_if_known, divide, draw

CITATION = (
    "Sirinukunwattana et al.: Gland segmentation in colon histology images: the GlaS challenge contest. Medical Image "
    "Analysis 35, 2017; Sirinukunwattana, Snead, Rajpoot: A stochastic polygons model for glandular structures in "
    "colon histology images. IEEE TMI 34, 2015. Research only, not commercial, cite both."
)
GRADES = "Grade.csv"


@DATASETS.register("glas")
def glas(
    root: str | Path | None = None, split_by: str | None = None, mask_values: MaskValues = "instances"
) -> SegmentationSet:
    """165 pictures of glands (train 85, testA 60, testB 20) of 16 patients; the instances of a mask are merged.

    Layouts: as released, ``train_1.bmp`` beside ``train_1_anno.bmp`` and ``Grade.csv``; or as the U-KAN code keeps it,
    ``images/ID.png`` and ``masks/0/ID.png``, also without the ``0``.

    Slides of one patient resemble each other. So by default a patient is on one side of the split. In the literature's
    division of single pictures, ``published``, and in the challenge's own, ``official``, nearly all test patients are
    also in training. The patient of each picture is that of the released table of grades, which is known here.

    Args:
        root: The folder of the dataset, or the one around it.
        split_by: ``grouped`` by patient, ``published`` (the literature pools all 165) or ``official``; None: ``grouped``,
            or ``published`` with a warning where names are not the release's.
        mask_values: How masks are read, as by ``folder``.
    """
    readers = {("*_anno.bmp",): _read_released, UKAN: read_ukan, PLAIN: read_plain}
    samples = tuple(
        replace(sample, group=sample.group or PATIENTS.get(_released_name(sample.id)))
        for sample in read_layout("glas", root, readers)
    )
    dataset = SegmentationSet("glas", with_coding(samples, mask_values), channels=3, citation=CITATION)
    return by_groups_if_known(dataset, split_by, "patient")


@SPLITS.register("official")
def official_split(dataset: SegmentationSet, seed: int = 2981) -> Split:
    """The challenge's division of GlaS: ids ``train_*`` against ``testA_*`` and ``testB_*``.

    It shares 11 of its patients between both. A tenth of the training ids, drawn with the seed, is the validation set.
    Part A or B alone is
    ``split.test.subset(id for id in split.test.ids if id.startswith("testA"))``.

    Raises:
        DataError: The ids are not those of GlaS.
    """
    train = [id for id in dataset.ids if id.startswith("train_")]
    test = [id for id in dataset.ids if id.startswith("test")]
    if not train or not test or len(train) + len(test) < len(dataset):
        raise DataError(f"dataset {dataset.name!r} has no official division; its ids should begin with train_ or test")
    return divide(dataset, *draw(dataset, train, seed, fraction=0.1), test)


def _read_released(folder: Path) -> list[Sample]:
    patients = _patients(folder / GRADES) if (folder / GRADES).is_file() else {}
    samples = pair(folder, folder, suffixes=("_anno",))
    return [replace(sample, group=patients.get(sample.id)) for sample in samples]


def _released_name(id: str) -> str:
    """``testA_01`` as it was released: ``testA_1``."""
    part, _, number = id.rpartition("_")
    return f"{part}_{int(number)}" if number.isdecimal() else id


def _patients(table: Path) -> dict[str, str]:
    with table.open(newline="", encoding="utf-8-sig") as lines:
        rows = csv.DictReader(lines, skipinitialspace=True)
        return {row["name"]: row["patient ID"] for row in rows}
