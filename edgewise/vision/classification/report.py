"""A report on one classifier or on several side by side: one HTML file that needs nothing beside it."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgewise._figures import loss_curves, to_bytes
from edgewise.io import atomic_write
from edgewise.vision.classification.evaluate import ClassificationEvaluation, evaluate_classes
from edgewise.vision.classification.figures import accuracy_curves, calibration_figure, confusion_figure, gallery
from edgewise.vision.classification.images import open_sides
from edgewise.vision.classification.metrics import SCORES
from edgewise.vision.classification.predict import ClassPredictor
from edgewise.vision.data import ClassificationSet, ClassificationSplit
from edgewise.vision.segmentation.report import Report, common_data
from edgewise.vision.training.folder import Result, RunFolder
from edgewise.vision.training.page import costs, footer, headline, template, titles_of
from edgewise.vision.training.settings import setting_rows

COLUMNS = ("Parameters", *SCORES.values(), "s an epoch", "Best epoch")
MISTAKES = 24
CLASSES = 40
"""Rows of the table of classes; of more, the worst are shown."""


@dataclass(frozen=True)
class ClassMethod:
    """A classifier, with its scores on the test pictures."""

    title: str
    evaluation: ClassificationEvaluation
    result: Result


def report_classification(
    run_dirs: Sequence[str | Path], path: Path, titles: Sequence[str] | None = None, device: str = "cpu"
) -> Report:
    """:func:`edgewise.vision.write_report` of runs of classification; the overview shows the surest mistakes."""
    folders = [RunFolder(run_dir) for run_dir in run_dirs]
    recipes = [folder.read_recipe() for folder in folders]
    split = open_sides(common_data(recipes))
    titles = list(titles or titles_of(folders, recipes))
    methods = [_method(title, folder, split.test, device) for title, folder in zip(titles, folders, strict=True)]
    histories = {title: folder.read_metrics() for title, folder in zip(titles, folders, strict=True)}
    mistakes = [to_bytes(_mistakes(method, split.test), "png") for method in methods]
    overview = path.with_suffix(".png")
    atomic_write(overview, mistakes[0])
    curves = [accuracy_curves(histories), loss_curves(histories)]
    calibration = calibration_figure({method.title: method.evaluation.bins for method in methods})
    confusions = [_confusion(method) for method in methods]
    html = template(__package__, "classes.html.j2").render(
        title=headline(titles, recipes[0].data),
        subtitle=_subtitle(split),
        columns=COLUMNS,
        rows=_rows(methods),
        curves=[_embed(curve) for curve in curves],
        calibration=_embed(calibration),
        confusions=[_embed(confusion) for confusion in confusions],
        mistakes=[(m.title, len(m.evaluation.mistakes), _encode(png)) for m, png in zip(methods, mistakes, strict=True)],
        classes=_classes(methods),
        class_note=_class_note(split.test),
        settings=setting_rows(recipes),
        runs=titles,
        several=len(titles) > 1,
        footer=footer(folders[0]),
    )
    atomic_write(path, html.encode())
    return Report(path, overview, methods)


def _method(title: str, folder: RunFolder, test: ClassificationSet, device: str) -> ClassMethod:
    result = folder.read_result()
    return ClassMethod(title, evaluate_classes(ClassPredictor.from_run(folder.path, device), test), result)


def _rows(methods: list[ClassMethod]) -> list[dict]:
    """The table's rows, the best value of each score marked."""
    lower, digits = ClassificationEvaluation.lower, ClassificationEvaluation.digits
    best = {name: (min if name in lower else max)(m.evaluation.scores[name] for m in methods) for name in SCORES}

    def cells(method: ClassMethod) -> list[dict]:
        scores = method.evaluation.scores
        marked = [
            {"text": f"{scores[name]:.{digits[name]}f}", "best": len(methods) > 1 and scores[name] == best[name]}
            for name in SCORES
        ]
        parameters, *rest = costs(method.result)
        return [parameters, *marked, *rest]

    return [{"title": m.title, "baseline": False, "cells": cells(m)} for m in methods]


def _classes(methods: list[ClassMethod]) -> list[dict]:
    """For each class, precision, recall and F1 of each network; where there are many, those of worst F1 of the first."""
    rows = []
    for number, entry in enumerate(methods[0].evaluation.classes):
        found = [method.evaluation.classes[number] for method in methods]
        cells = [f"{one[key]:.3f}" for one in found for key in ("precision", "recall", "f1")]
        rows.append({"name": entry["name"], "count": int(entry["count"]), "cells": cells, "f1": entry["f1"]})
    return rows if len(rows) <= CLASSES else sorted(rows, key=lambda row: row["f1"])[:CLASSES]


def _class_note(test: ClassificationSet) -> str:
    return f"The {CLASSES} classes of worst F1, of {len(test.classes)}." if len(test.classes) > CLASSES else ""


def _confusion(method: ClassMethod):
    classes = [entry["name"] for entry in method.evaluation.classes]
    return confusion_figure(method.title, method.evaluation.confusion, classes)


def _mistakes(method: ClassMethod, test: ClassificationSet):
    shown = method.evaluation.mistakes[:MISTAKES]
    captions = [f"{one.truth}\nas {one.prediction} ({one.probability:.2f})" for one in shown]
    return gallery([test.pictures[one.index] for one in shown], captions)


def _embed(figure) -> str:
    return _encode(to_bytes(figure, "svg"))


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _subtitle(split: ClassificationSplit) -> str:
    train, validation, test = (f"{len(part):,}" for part in (split.train, split.validation, split.test))
    return f"Trained on {train} pictures, best epoch chosen on {validation}, scored on {test} that were held out."
