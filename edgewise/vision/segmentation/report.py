"""A report on one run or on several side by side: one HTML file that needs nothing beside it."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from edgewise._errors import ConfigError
from edgewise._figures import loss_curves, outlines, score_curves, to_bytes
from edgewise.io import atomic_write
from edgewise.vision.data import Split
from edgewise.vision.segmentation.baseline import Threshold, fit_threshold
from edgewise.vision.segmentation.evaluate import SCORES, Evaluation, evaluate
from edgewise.vision.segmentation.predict import Predictor
from edgewise.vision.training.folder import Result, RunFolder
from edgewise.vision.training.page import costs, footer, headline, template, titles_of
from edgewise.vision.training.recipe import Data, Recipe
from edgewise.vision.training.settings import setting_rows
from edgewise.vision.training.tasks import task_of

COLUMNS = ("Parameters", *SCORES.values(), "s an epoch", "Best epoch")


@dataclass(frozen=True)
class Method:
    """Something that makes masks, with its scores on the test images."""

    title: str
    masks: Predictor | Threshold
    evaluation: Evaluation
    result: Result | None = None
    """How its run ended; None for the threshold, which is no run."""


@dataclass(frozen=True)
class Report:
    """What was written, and the numbers in it."""

    html: Path
    overview: Path
    """The outlines of the best, median and worst test image, a PNG."""
    methods: list[Method]
    """The networks in the order given, then the threshold."""


def write_report(
    run_dirs: Sequence[str | Path], path: str | Path, titles: Sequence[str] | None = None, device: str = "cpu"
) -> Report:
    """Score finished runs on their test images and write what was found as HTML, and an overview as PNG next to it.

    The overview shows the outlines of the best, median and worst test image, or of a classification the mistakes.

    Args:
        run_dirs: Folders made by :func:`edgewise.vision.train`, all of the same data.
        path: The HTML file; the overview has its name with ``.png``.
        titles: A name for each run; none: its model's, with the folder's where two are of one model.
        device: Where to compute.

    Raises:
        ConfigError: The runs are not of the same data, or none is given.
        CheckpointError: A run is not finished or corrupted, or the report cannot be written.
        DataError: The images cannot be used.
    """
    recipes = [RunFolder(run_dir).read_recipe() for run_dir in run_dirs]
    if not recipes:
        raise ConfigError("no run to report on: give at least one run folder")
    if len({recipe.task for recipe in recipes}) > 1:
        raise ConfigError("the runs were trained for different tasks: report on them one by one")
    return task_of(recipes[0]).report(list(run_dirs), Path(path), titles, device)


def report_segmentation(
    run_dirs: Sequence[str | Path], path: Path, titles: Sequence[str] | None = None, device: str = "cpu"
) -> Report:
    """:func:`write_report` of runs of segmentation."""
    from edgewise.vision.segmentation.images import open_split

    folders = [RunFolder(run_dir) for run_dir in run_dirs]
    recipes = [folder.read_recipe() for folder in folders]
    split = open_split(common_data(recipes))
    titles = list(titles or titles_of(folders, recipes))
    methods = [
        _network(title, folder, split, recipe.data.classes, device)
        for title, folder, recipe in zip(titles, folders, recipes, strict=True)
    ]
    threshold = fit_threshold(split.train)
    methods.append(Method("grey threshold", threshold, evaluate(threshold, split.test)))
    overview = path.with_suffix(".png")
    overlays = _overlays(methods, split)
    histories = {title: folder.read_metrics() for title, folder in zip(titles, folders, strict=True)}
    curves = [to_bytes(curve(histories), "svg") for curve in (score_curves, loss_curves)]
    atomic_write(overview, overlays)
    html = template(__package__, "report.html.j2").render(
        title=headline(titles, recipes[0].data),
        subtitle=_subtitle(split),
        columns=COLUMNS,
        rows=_rows(methods),
        baseline_note=_baseline_note(threshold),
        overlays=base64.b64encode(overlays).decode(),
        curves=[base64.b64encode(curve).decode() for curve in curves],
        settings=setting_rows(recipes),
        runs=titles,
        several=len(titles) > 1,
        footer=footer(folders[0]),
    )
    atomic_write(path, html.encode())
    return Report(path, overview, methods)


def common_data(recipes: list[Recipe]) -> Data:
    """The data of all recipes, which may differ in nothing that decides what the test images are."""
    keys = {(r.data.name, r.data.root, str(r.data.options), r.data.split_seed, r.data.classes) for r in recipes}
    if len(keys) > 1:
        raise ConfigError("the runs were not trained on the same data and split: report on them one by one")
    return recipes[0].data


def _network(title: str, folder: RunFolder, split: Split, classes: int, device: str) -> Method:
    result = folder.read_result()
    predictor = Predictor.from_run(folder.path, device)
    return Method(title, predictor, evaluate(predictor, split.test, classes=classes), result)


def _overlays(methods: list[Method], split: Split) -> bytes:
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


def _rows(methods: list[Method]) -> list[dict]:
    """The table's rows, the best value of each score marked."""
    best = {name: (min if name == "hd95" else max)(m.evaluation.scores[name] for m in methods) for name in SCORES}

    def cells(method: Method) -> list[dict]:
        scores, result = method.evaluation.scores, method.result
        marked = [
            {"text": f"{scores[name]:.{1 if name == 'hd95' else 3}f}", "best": scores[name] == best[name]}
            for name in SCORES
        ]
        parameters, *rest = costs(result)
        return [parameters, *marked, *rest]

    return [{"title": m.title, "baseline": m.result is None, "cells": cells(m)} for m in methods]


def _subtitle(split: Split) -> str:
    train, validation, test = (len(part) for part in (split.train, split.validation, split.test))
    return f"Trained on {train} images, best epoch chosen on {validation}, scored on {test} that were held out."


def _baseline_note(threshold: Threshold) -> str:
    side = "at least as bright as" if threshold.bright else "darker than"
    return (
        f"The grey threshold calls foreground what is {side} {threshold.level:.3f} of the scale, "
        "the level of largest IoU on the training images."
    )
