"""A report on one generator or on several side by side: one HTML file that needs nothing beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgewise._ground.figures import to_bytes
from edgewise._ground.page import embed
from edgewise.io import atomic_write
from edgewise.vision.data import Split
from edgewise.vision.generation.evaluate import GenerationEvaluation, evaluate_run
from edgewise.vision.generation.figures import beside, neighbours
from edgewise.vision.generation.images import open_run
from edgewise.vision.training.files import Result
from edgewise.vision.training.page import ComparedRuns, Report, loss_curves


@dataclass(frozen=True)
class GenerationMethod:
    """A generator, with the scores of its samples."""

    title: str
    evaluation: GenerationEvaluation
    result: Result


def report_generation(
    run_dirs: Sequence[str | Path], path: Path, titles: Sequence[str] | None = None, device: str = "cpu"
) -> Report:
    """:func:`edgewise.vision.write_report` of runs of generation; the overview shows samples beside real pictures."""
    runs = ComparedRuns(run_dirs, titles)
    results = [folder.read_result() for folder in runs.folders]
    split = open_run(runs.folders[0])
    methods = [
        GenerationMethod(title, evaluate_run(folder.path, device), result)
        for title, folder, result in zip(runs.titles, runs.folders, results, strict=True)
    ]
    parts = [("held-out real pictures", methods[0].evaluation.real)]
    parts += [(f"samples of {method.title}", method.evaluation.samples) for method in methods]
    pictures, overview = to_bytes(beside(parts), "png"), path.with_suffix(".png")
    atomic_write(overview, pictures)
    page = runs.page(
        "edgewise.vision.generation",
        "generation.html.j2",
        methods,
        subtitle=_subtitle(split, methods[0].evaluation),
        pictures=embed(pictures),
        nearest=[(method.title, method.evaluation.copies, _nearest(method.evaluation)) for method in methods],
        summaries=[(method.title, method.evaluation.summary()) for method in methods],
        curves=embed(to_bytes(loss_curves(runs.histories), "svg")),
    )
    atomic_write(path, page)
    return Report(path, overview, methods)


def _nearest(evaluation: GenerationEvaluation) -> str:
    return embed(to_bytes(neighbours(evaluation.samples, evaluation.neighbours, evaluation.distances), "png"))


def _subtitle(split: Split, evaluation: GenerationEvaluation) -> str:
    train, validation = len(split.train), len(split.validation)
    sides = f"Trained on {train} pictures, best epoch chosen on {validation}, compared with {evaluation.count} held out."
    return f"{sides} {split.leak_note()}".rstrip()
