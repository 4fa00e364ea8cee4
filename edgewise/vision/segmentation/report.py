"""A report on one segmentation or on several side by side: an HTML file, and beside it a picture of every case."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from edgewise._ground.figures import to_bytes
from edgewise._ground.page import embed
from edgewise.io import atomic_write
from edgewise.vision.data import SegmentationSet, Split
from edgewise.vision.segmentation import report_tables as tables
from edgewise.vision.segmentation.baseline import Threshold, fit_threshold
from edgewise.vision.segmentation.evaluate import evaluate_masks
from edgewise.vision.segmentation.evaluation import Evaluation
from edgewise.vision.segmentation.figures import distribution, outlines, score_curves
from edgewise.vision.segmentation.images import open_run
from edgewise.vision.segmentation.predict import Predictor
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.segmentation.report_cases import CasePictures
from edgewise.vision.segmentation.report_sides import left_out, sides_of
from edgewise.vision.segmentation.tuned import TunedThreshold, read_threshold
from edgewise.vision.training.files import Result
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.page import ComparedRuns, Report, loss_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class MaskMethod:
    """Something that makes masks, with its scores on the test images."""

    title: str
    masks: Callable[..., Tensor]
    evaluation: Evaluation
    result: Result | None = None
    """How its run ended; None for the threshold, which is no run."""
    tuned: TunedThreshold | None = None
    """The threshold that was chosen on validation images, if one was."""
    test: SegmentationSet | None = None
    """The test images as its run reads them, whose intensities may be its own; None: as those of the first run."""


def report_segmentation(
    run_dirs: Sequence[str | Path], path: Path, titles: Sequence[str] | None = None, device: str = "cpu"
) -> Report:
    """:func:`edgewise.vision.write_report` of runs of segmentation; beside one foreground stands a grey threshold.

    The overview shows the outlines of the best, median and worst test image. The folder ``NAME_files`` beside the page
    holds a picture of every test image with the outlines of its truth and of each network's mask.
    """
    runs = ComparedRuns(run_dirs, titles)
    data = runs.folders[0].read_recipe(SegmentationRecipe).data
    split = open_run(runs.folders[0])
    pictures = [CasePictures(path, number, max(data.classes - 1, 1)) for number in range(1, len(runs.folders) + 1)]
    methods = [
        _network(title, folder, data.classes, device, drawn)
        for title, folder, drawn in zip(runs.titles, runs.folders, pictures, strict=True)
    ]
    overlaid, note = tables.order([(method.title, method.evaluation) for method in methods]), ""
    if data.classes == 1:  # of several classes, a threshold would have another score under the same name
        threshold = fit_threshold(split.train)
        methods.append(MaskMethod("grey threshold", threshold, evaluate_masks(threshold, split.test)))
        note = _baseline_note(threshold)
    rest = left_out(runs.folders[0], split)
    return write_page(runs, path, methods, split, pictures, _overlays(methods, split, overlaid), rest, note)


def write_page(
    runs: ComparedRuns,
    path: Path,
    methods: Sequence[MaskMethod],
    split: Split,
    pictures: Sequence[CasePictures],
    overlays: bytes,
    left_out: Sequence[str],
    note: str = "",
) -> Report:
    """The page of methods that make masks, and the overview beside it.

    Args:
        runs: The runs among them.
        path: The HTML file.
        methods: With their scores.
        split: What they were trained and scored on.
        pictures: Of all cases, by each run.
        overlays: The overview, a PNG.
        left_out: A line on each case that is on no side.
        note: A sentence on what is no run.
    """
    networks = [(method.title, method.evaluation) for method in methods if method.result]
    overview = path.with_suffix(".png")
    atomic_write(overview, overlays)
    first = methods[0].evaluation
    titles_of = first.titles | first.further
    page = runs.page(
        "edgewise.vision.segmentation",
        "report.html.j2",
        methods,
        subtitle=_subtitle(split),
        baseline_note=note,
        thresholds=[f"{m.title}: {m.tuned.summary()}" for m in methods if m.tuned],
        all_scores=tables.all_scores([(m.title, m.evaluation) for m in methods]),
        everything=[method.title for method in methods],
        sampling=first.sampling(),
        unit=first.unit,
        differences=tables.differences(networks) if len(networks) > 1 else [],
        classes=tables.by_class(networks),
        class_columns=["Pixels in the truth", *(titles_of[name] for name in tables.OF_CLASS if name in titles_of)],
        absent=[one.name for one in first.classes if one.absent],
        groups=tables.by_group(networks),
        cases=tables.by_case(networks, pictures),
        case_columns=[titles_of.get(name, "") for name in tables.OF_CASE] if len(networks) == 1 else runs.titles,
        sides=sides_of(split),
        left_out=left_out,
        overlays=embed(overlays),
        distributions=[embed(to_bytes(figure, "svg")) for figure in _distributions(methods)],
        curves=[embed(to_bytes(curve(runs.histories), "svg")) for curve in (score_curves, loss_curves)],
    )
    atomic_write(path, page)
    return Report(path, overview, methods)


def _network(title: str, folder: RunFolder, classes: int, device: str, pictures: CasePictures) -> MaskMethod:
    result, test = folder.read_result(), open_run(folder).test
    predictor = Predictor.from_run(folder.path, device)
    evaluation = evaluate_masks(predictor, test, classes, pictures.draw)
    return MaskMethod(title, predictor, evaluation, result, read_threshold(folder), test)


def _overlays(methods: list[MaskMethod], split: Split, worst_first: list[int]) -> bytes:
    """The best, median and worst case as every method sees them."""
    chosen = {"best": worst_first[-1], "median": worst_first[len(worst_first) // 2], "worst": worst_first[0]}
    rows, predictions = [], []
    for caption, index in chosen.items():
        image, truth = split.test[index].read()
        rows.append((f"{caption}: {_short(split.test[index].id)}", image, truth))
        seen = [image if m.test is None else m.test[index].read_image() for m in methods]
        found = [m.masks(picture).numpy() for m, picture in zip(methods, seen, strict=True)]
        predictions.append([(mask, m.evaluation.cases[index].iou) for mask, m in zip(found, methods, strict=True)])
    return to_bytes(outlines(rows, [method.title for method in methods], predictions), "png")


def _short(id: str) -> str:
    """An id as it fits beside a picture."""
    return id if len(id) <= 20 else f"{id[:8]}…{id[-11:]}"


def _distributions(methods: Sequence[MaskMethod]) -> list["Figure"]:
    """IoU and HD95 of all cases."""
    titles = methods[0].evaluation.titles
    return [
        distribution(
            f"{titles[name]} of each image", {m.title: [case.scores[name] for case in m.evaluation.cases] for m in methods}
        )
        for name in ("iou", "hd95")
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
