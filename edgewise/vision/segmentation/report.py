"""A report on one segmentation or on several side by side: one HTML file that needs nothing beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from edgewise._ground.figures import to_bytes
from edgewise._ground.page import embed
from edgewise.io import atomic_write
from edgewise.vision.data import Split
from edgewise.vision.segmentation.baseline import Threshold, fit_threshold
from edgewise.vision.segmentation.evaluate import evaluate_masks
from edgewise.vision.segmentation.evaluation import Evaluation
from edgewise.vision.segmentation.figures import outlines, score_curves
from edgewise.vision.segmentation.images import open_run
from edgewise.vision.segmentation.predict import Predictor
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.segmentation.tuned import TunedThreshold, read_threshold
from edgewise.vision.training.files import Result
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.page import ComparedRuns, Report, loss_curves


@dataclass(frozen=True)
class MaskMethod:
    """Something that makes masks, with its scores on the test images."""

    title: str
    masks: Predictor | Threshold
    evaluation: Evaluation
    result: Result | None = None
    """How its run ended; None for the threshold, which is no run."""
    tuned: TunedThreshold | None = None
    """The threshold that was chosen on validation images, if one was."""


def report_segmentation(
    run_dirs: Sequence[str | Path], path: Path, titles: Sequence[str] | None = None, device: str = "cpu"
) -> Report:
    """:func:`edgewise.vision.write_report` of runs of segmentation; beside one foreground stands a grey threshold.

    The overview shows the outlines of the best, median and worst test image.
    """
    runs = ComparedRuns(run_dirs, titles)
    data = runs.folders[0].read_recipe(SegmentationRecipe).data
    split = open_run(runs.folders[0])
    methods = [
        _network(title, folder, split, data.classes, device)
        for title, folder in zip(runs.titles, runs.folders, strict=True)
    ]
    note = ""
    if data.classes == 1:  # of several classes, a threshold would have another score under the same name
        threshold = fit_threshold(split.train)
        methods.append(MaskMethod("grey threshold", threshold, evaluate_masks(threshold, split.test)))
        note = _baseline_note(threshold)
    overview, overlays = path.with_suffix(".png"), _overlays(methods, split)
    atomic_write(overview, overlays)
    page = runs.page(
        "edgewise.vision.segmentation",
        "report.html.j2",
        methods,
        subtitle=_subtitle(split),
        baseline_note=note,
        classes=_classes(methods),
        thresholds=[f"{m.title}: {m.tuned.summary()}" for m in methods if m.tuned],
        absent=[one.name for one in methods[0].evaluation.classes if one.absent],
        overlays=embed(overlays),
        curves=[embed(to_bytes(curve(runs.histories), "svg")) for curve in (score_curves, loss_curves)],
    )
    atomic_write(path, page)
    return Report(path, overview, methods)


def _network(title: str, folder: RunFolder, split: Split, classes: int, device: str) -> MaskMethod:
    result = folder.read_result()
    predictor = Predictor.from_run(folder.path, device)
    return MaskMethod(title, predictor, evaluate_masks(predictor, split.test, classes), result, read_threshold(folder))


def _overlays(methods: list[MaskMethod], split: Split) -> bytes:
    """The best, median and worst case as every method sees them."""
    networks = [method for method in methods if method.result]
    means = [fmean(case.iou for case in cases) for cases in zip(*(m.evaluation.cases for m in networks), strict=True)]
    order = sorted(range(len(means)), key=lambda index: -means[index])
    chosen = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    rows, predictions = [], []
    for caption, index in chosen.items():
        image, truth = split.test[index].read()
        rows.append((f"{caption}: {split.test[index].id}", image, truth))
        predictions.append([(m.masks(image).numpy(), m.evaluation.cases[index].iou) for m in methods])
    return to_bytes(outlines(rows, [method.title for method in methods], predictions), "png")


def _classes(methods: list[MaskMethod]) -> list[dict]:
    """The IoU of each class by each method, where there are several classes."""
    return [
        {
            "title": one.name,
            "pixels": f"{one.pixels:,}",
            "cells": ["" if one.absent else f"{method.evaluation.classes[row].iou:.3f}" for method in methods],
        }
        for row, one in enumerate(methods[0].evaluation.classes)
        if len(methods[0].evaluation.classes) > 1
    ]


def _subtitle(split: Split) -> str:
    train, validation, test = (len(part) for part in (split.train, split.validation, split.test))
    sides = f"Trained on {train} images, best epoch chosen on {validation}, scored on {test} that were held out."
    return f"{sides} {split.leak_note()}".rstrip()


def _baseline_note(threshold: Threshold) -> str:
    side = "at least as bright as" if threshold.bright else "darker than"
    return (
        f"The grey threshold calls foreground what is {side} {threshold.level:.3f} of the scale, "
        "the level of largest IoU on the training images."
    )
