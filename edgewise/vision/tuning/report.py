"""A report on a study: one HTML page that needs nothing beside it."""

from dataclasses import replace
from pathlib import Path

from edgewise._ground.figures import to_bytes
from edgewise._ground.page import embed
from edgewise.io import atomic_write
from edgewise.vision.training.page import footer, render
from edgewise.vision.training.settings import setting_rows
from edgewise.vision.training.tasks import task_of
from edgewise.vision.tuning.command import command_line
from edgewise.vision.tuning.figures import history, importance_bars, slices
from edgewise.vision.tuning.trials import StudyFolder, TrialRun, Tuning, read_tuning


def write_tuning_report(path: str | Path) -> Tuning:
    """Write ``report.html`` into the folder of a study, and return what it says.

    Raises:
        CheckpointError: The folder holds no study, no trial of it is complete, or the page cannot be written.
    """
    tuning, folder = read_tuning(path), StudyFolder(path)
    score, best, recipe = task_of(tuning.recipe).score(tuning.recipe), tuning.best, tuning.best_recipe
    figures = [history(tuning, score.title)]
    figures += [importance_bars(tuning.importances)] if tuning.importances else []
    page = render(
        "edgewise.vision.tuning",
        "tuning.html.j2",
        title=f"{tuning.recipe.model.name} on {tuning.recipe.data.name}, tuned",
        subtitle=_subtitle(tuning, score.title),
        command=best_command(tuning),
        columns=[*setting_names(tuning), "Parameters", "Epochs", score.title.capitalize()],
        rows=[trial_row(tuning, trial) for trial in ranked(tuning)],
        best=best.index,
        figures=[_embed(figure) for figure in figures],
        slices=_embed(slices(tuning, score.title)),
        failures=[trial for trial in tuning.trials if trial.reason],
        settings=setting_rows([tuning.recipe, recipe]),
        runs=["the recipe", f"trial {best.index:04d}"],
        footer=footer(folder.config),
    )
    atomic_write(folder.report, page)
    return tuning


def best_command(tuning: Tuning) -> str:
    """The command line that trains by the best setting."""
    recipe = replace(tuning.best_recipe, machine=tuning.recipe.machine)
    start = StudyFolder(tuning.path).read_config().get("start")
    return command_line(recipe, f"{tuning.path}-best", start)


def ranked(tuning: Tuning) -> list[TrialRun]:
    """Complete trials by their scores, then the pruned ones by theirs, then the rest."""
    order = ("complete", "pruned", "running", "failed")
    return sorted(tuning.trials, key=lambda trial: (order.index(trial.state), -(trial.score or 0), trial.index))


def setting_names(tuning: Tuning) -> list[str]:
    """Names of the settings that were tuned."""
    return list(dict.fromkeys(name for trial in tuning.trials for name in trial.settings))


def trial_row(tuning: Tuning, trial: TrialRun) -> list[str]:
    """A trial as texts: its number and, unless it is complete, its state; its settings, parameters, epochs and score."""
    state = "" if trial.state == "complete" else f" {trial.state}"
    settings = [setting_text(trial.settings.get(name, "")) for name in setting_names(tuning)]
    parameters = "" if trial.parameters is None else f"{trial.parameters:,}"
    score = "" if trial.score is None else f"{trial.score:.4f}"
    return [f"{trial.index:04d}{state}", *settings, parameters, str(trial.epochs), score]


def setting_text(value: object) -> str:
    """A setting for a reader."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _subtitle(tuning: Tuning, score: str) -> str:
    counts = {state: sum(trial.state == state for trial in tuning.trials) for state in ("complete", "pruned", "failed")}
    parts = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    best = tuning.best
    return f"{len(tuning.trials)} trials ({parts}). The best is trial {best.index:04d}: {score} {best.score:.4f}."


def _embed(figure) -> str:
    return embed(to_bytes(figure, "svg"))
