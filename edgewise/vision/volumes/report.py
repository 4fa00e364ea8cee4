"""A report on one segmentation of volumes or on several side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgewise._ground.figures import to_bytes
from edgewise.vision.data.inventory import UNUSED
from edgewise.vision.data.sample import Sample
from edgewise.vision.segmentation import report_tables as tables
from edgewise.vision.segmentation.figures import outlines
from edgewise.vision.segmentation.report import MaskMethod, write_page
from edgewise.vision.segmentation.report_cases import CasePictures
from edgewise.vision.segmentation.tuned import read_threshold
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.page import ComparedRuns, Report
from edgewise.vision.volumes.evaluate import evaluate_files
from edgewise.vision.volumes.images import open_run
from edgewise.vision.volumes.opening import open_member
from edgewise.vision.volumes.recipe import ScanRecipe
from edgewise.vision.volumes.sample import scans_of
from edgewise.vision.volumes.volume import Volume


def report_volumes(
    run_dirs: Sequence[str | Path], path: Path, titles: Sequence[str] | None = None, device: str = "cpu"
) -> Report:
    """:func:`edgewise.vision.write_report` of runs of volumes.

    The overview shows one slice of the best, median and worst test scan: the one with most foreground in the truth. So do
    the pictures of all scans in the folder ``NAME_files``.
    """
    runs = ComparedRuns(run_dirs, titles)
    split, classes = open_run(runs.folders[0]), runs.folders[0].read_recipe(ScanRecipe).data.classes
    pictures = [CasePictures(path, number, max(classes - 1, 1)) for number in range(1, len(runs.folders) + 1)]
    methods = [
        _method(title, folder, device, drawn)
        for title, folder, drawn in zip(runs.titles, runs.folders, pictures, strict=True)
    ]
    worst_first = tables.order([(method.title, method.evaluation) for method in methods])
    chosen = {"best": worst_first[-1], "median": worst_first[len(worst_first) // 2], "worst": worst_first[0]}
    rows, predictions, scans = [], [], scans_of(split.test)
    own = [scans_of(open_run(folder).test) for folder in runs.folders]  # whose intensities may differ
    for caption, index in chosen.items():
        volume, truth = scans[index].read()
        labels = [m.masks(read[index].read_image()).numpy() for m, read in zip(methods, own, strict=True)]
        picture, shown, *found = _slice(volume, truth, *labels)
        rows.append((f"{caption}: {scans[index].id}", picture, shown))
        predictions.append([(one, m.evaluation.cases[index].iou) for one, m in zip(found, methods, strict=True)])
    overlays = to_bytes(outlines(rows, [method.title for method in methods], predictions), "png")
    inventory = runs.folders[0].read_inventory()
    rest = [f"{id}: on no side of the division" for id in (inventory.sides[UNUSED] if inventory else ())]
    return write_page(runs, path, methods, split, pictures, overlays, rest)


def _method(title: str, folder: RunFolder, device: str, pictures: CasePictures) -> MaskMethod:
    def draw(sample: Sample, volume: Any, truth: np.ndarray, labels: np.ndarray) -> None:
        pictures.draw(sample, *_slice(volume, truth, labels))

    predictor = open_member(folder.path, device)
    evaluation = evaluate_files(folder, predictor, seen=draw)
    return MaskMethod(title, predictor, evaluation, folder.read_result(), read_threshold(folder))


def _slice(volume: Volume, truth: np.ndarray, *labels: np.ndarray) -> tuple[np.ndarray, ...]:
    """The slice across the body with most foreground: the picture ``(1, H, W)``, the truth and the labels ``(H, W)``."""
    turned = [Volume(array[None], volume.affine).turned().array[0] for array in (volume.array[0], truth, *labels)]
    where = int(((turned[1] > 0) & (turned[1] < 255)).sum((1, 2)).argmax())
    picture, *others = (array[where] for array in turned)
    return picture[None], *others
