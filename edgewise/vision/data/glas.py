"""GlaS: glands in histology slides of the colon."""

import csv
from dataclasses import replace
from pathlib import Path

from edgewise._ground.errors import DataError
from edgewise.vision.data.dataset import DATASETS, SPLITS, SegmentationSet, Split
from edgewise.vision.data.layouts import UKAN, pair, read_layout, read_ukan
from edgewise.vision.data.sample import Sample
from edgewise.vision.data.splits import divide, draw

CITATION = (
    "Sirinukunwattana et al.: Gland segmentation in colon histology images: the GlaS challenge contest. Medical Image "
    "Analysis 35, 2017; Sirinukunwattana, Snead, Rajpoot: A stochastic polygons model for glandular structures in "
    "colon histology images. IEEE TMI 34, 2015. Research only, not commercial, cite both."
)
GRADES = "Grade.csv"


@DATASETS.register("glas")
def glas(root: str | Path | None = None, split_by: str = "published") -> SegmentationSet:
    """165 pictures of glands (train 85, testA 60, testB 20); the instances of a mask are merged.

    Layouts: as released, ``train_1.bmp`` beside ``train_1_anno.bmp`` and ``Grade.csv``; or as the U-KAN code keeps it,
    ``images/ID.png`` and ``masks/0/ID.png``. The released table of grades names the patient of each picture, which
    becomes its group: 16 patients, some of them on both sides of the official division.

    Args:
        root: The folder of the dataset, or the one around it.
        split_by: ``published`` (the literature pools all 165), ``official`` or, with the table, ``grouped``.
    """
    samples = read_layout("glas", root, {("*_anno.bmp",): _read_released, UKAN: read_ukan})
    return SegmentationSet("glas", samples, channels=3, citation=CITATION, split_by=split_by)


@SPLITS.register("official")
def official_split(dataset: SegmentationSet, seed: int = 2981) -> Split:
    """The challenge's division of GlaS: ids ``train_*`` against ``testA_*`` and ``testB_*``.

    A tenth of the training ids, drawn with the seed, is the validation set. Part A or B alone is
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


def _patients(table: Path) -> dict[str, str]:
    with table.open(newline="", encoding="utf-8-sig") as lines:
        rows = csv.DictReader(lines, skipinitialspace=True)
        return {row["name"]: row["patient ID"] for row in rows}
