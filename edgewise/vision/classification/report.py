"""A report on one classifier or on several side by side: one HTML file that needs nothing beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgewise._ground.figures import to_bytes
from edgewise._ground.page import embed
from edgewise.io import atomic_write
from edgewise.vision.classification.evaluate import evaluate_classes
from edgewise.vision.classification.evaluation import ClassificationEvaluation
from edgewise.vision.classification.figures import accuracy_curves, calibration_figure, confusion_figure, gallery
from edgewise.vision.classification.images import open_run
from edgewise.vision.classification.metrics import OF_CLASSES
from edgewise.vision.classification.predict import ClassPredictor
from edgewise.vision.classification.report_tables import CASES, CLASSES, by_case, by_class, case_columns, differences
from edgewise.vision.data import ClassificationSet, ClassificationSplit
from edgewise.vision.training.files import Result
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.page import ComparedRuns, Report, loss_curves
from edgewise.vision.training.report_tables import all_scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MISTAKES = 24


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
    runs = ComparedRuns(run_dirs, titles)
    split = open_run(runs.folders[0])
    methods = [_method(title, folder, split.test, device) for title, folder in zip(runs.titles, runs.folders, strict=True)]
    named = [(method.title, method.evaluation) for method in methods]
    mistakes = [to_bytes(_mistakes(method, split.test), "png") for method in methods]
    overview = path.with_suffix(".png")
    atomic_write(overview, mistakes[0])
    calibration = calibration_figure({method.title: method.evaluation.bins for method in methods})
    page = runs.page(
        "edgewise.vision.classification",
        "classes.html.j2",
        methods,
        subtitle=_subtitle(split),
        curves=[_drawn(curve(runs.histories)) for curve in (accuracy_curves, loss_curves)],
        calibration=_drawn(calibration),
        confusions=[_drawn(_confusion(method)) for method in methods],
        mistakes=[(m.title, len(m.evaluation.mistakes), embed(png)) for m, png in zip(methods, mistakes, strict=True)],
        all_scores=all_scores([method.evaluation for method in methods]),
        sampling=methods[0].evaluation.sampling(),
        differences=differences(named) if len(named) > 1 else [],
        class_columns=["Pictures", *OF_CLASSES.values()],
        classes=by_class(named),
        case_columns=case_columns(named),
        cases=by_case(named),
        **_notes(split.test),
    )
    atomic_write(path, page)
    return Report(path, overview, methods)


def _method(title: str, folder: RunFolder, test: ClassificationSet, device: str) -> ClassMethod:
    result = folder.read_result()
    return ClassMethod(title, evaluate_classes(ClassPredictor.from_run(folder.path, device), test), result)


def _notes(test: ClassificationSet) -> dict[str, str]:
    """What is said of tables that do not hold all."""
    classes, pictures = len(test.classes), len(test)
    return {
        "class_note": f"The {CLASSES} classes of worst F1, of {classes}." if classes > CLASSES else "",
        "case_note": f"The worst {CASES} of {pictures} pictures; `edgewise evaluate --out` writes all."
        if pictures > CASES
        else "",
    }


def _confusion(method: ClassMethod) -> "Figure":
    classes = [one.name for one in method.evaluation.classes]
    return confusion_figure(method.title, method.evaluation.confusion, classes)


def _mistakes(method: ClassMethod, test: ClassificationSet) -> "Figure":
    shown = method.evaluation.mistakes[:MISTAKES]
    captions = [f"{one.truth}\nas {one.prediction} ({one.probability:.2f})" for one in shown]
    return gallery([test.pictures[one.index] for one in shown], captions)


def _drawn(figure: "Figure") -> str:
    return embed(to_bytes(figure, "svg"))


def _subtitle(split: ClassificationSplit) -> str:
    train, validation, test = (f"{len(part):,}" for part in (split.train, split.validation, split.test))
    sides = f"Trained on {train} pictures, best epoch chosen on {validation}, scored on {test} that were held out."
    return f"{sides} {split.leak_note()}".rstrip()
