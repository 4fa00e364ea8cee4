"""A study: trial after trial is trained as Optuna draws it, in a folder that a killed study goes on from."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from edgewise._ground.errors import CheckpointError, ConfigError, NonFiniteError
from edgewise._ground.folders import make_folder
from edgewise._ground.optional import require
from edgewise._ground.registry import unknown
from edgewise.io import write_json
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.recipe import Recipe
from edgewise.vision.training.run import require_training, train
from edgewise.vision.training.strict import require_that
from edgewise.vision.training.tasks import task_of
from edgewise.vision.tuning.pruners import PRUNERS
from edgewise.vision.tuning.space import Space
from edgewise.vision.tuning.trials import (
    StudyFolder,
    TrialRun,
    Tuning,
    as_run,
    last_of_each_run,
    read_tuning,
    with_runs,
)

if TYPE_CHECKING:
    import optuna

DEATHS = 3
"""A run whose process dies so many times without a new epoch in between has failed."""


def tune(
    recipe: Recipe,
    path: str | Path,
    *,
    trials: int = 20,
    space: Space = Space(),  # noqa: B008 (frozen)
    pruner: str = "median",
    start: str | None = None,
    progress: bool = True,
    follow: Callable[[TrialRun], None] | None = None,
) -> Tuning:
    """Search a space for the settings that score best on the validation images, by Optuna.

    Settings are drawn by its tree-structured Parzen estimator; the first trial is the recipe itself, where the space holds
    it. Every trial is the folder of a run, ``trials/NNNN`` in ``path``; of pruned ones, the weights are deleted. Called
    again with the same arguments, or more trials, a study goes on where it stopped: a run whose process was killed goes on
    from its last whole epoch, and what is drawn is what an undisturbed study draws.

    Args:
        recipe: Where to start from; of its seed come the draws, too.
        path: Folder of the study; made if needed.
        trials: How many there are to be in all, those of earlier calls among them.
        space: The settings to choose from; what the recipe's network does not have is left out.
        pruner: What stops runs that lag behind: a key of :data:`PRUNERS`.
        start: The registered recipe that the best command line is to name; none: the nearest.
        progress: Show a line with the state of each run.
        follow: Called with each trial that has ended.

    Raises:
        ConfigError: The recipe cannot be tuned or cannot work.
        DataError: The images are missing or unusable.
        CheckpointError: The folder is in use, holds something else, or cannot be written.
    """
    require("optuna", extra="tune")
    require_that(trials >= 1, "trials", trials, "at least 1")
    if pruner not in PRUNERS:
        raise unknown("pruner", pruner, PRUNERS)
    require_training(recipe)
    single, space, folder = _on_one_device(recipe), space.fitted(recipe), StudyFolder(path)
    with _held(folder, recipe, space, pruner, start), folder.study() as study:
        study.pruner = PRUNERS[pruner](recipe.epochs)
        _take_up(study, folder)
        own = space.own(recipe)
        if own and not study.get_trials(deepcopy=False):
            study.enqueue_trial(own)
        while len(_settled(study)) < trials:
            index = _train_next(study, folder, single, space, progress)
            if follow:
                follow(as_run(folder, recipe, index, last_of_each_run(study)[index]))
    return read_tuning(path)


def _train_next(study: "optuna.Study", folder: StudyFolder, recipe: Recipe, space: Space, progress: bool) -> int:
    """Train the run that is due, a new one or one that was interrupted; its number."""
    from optuna.samplers import TPESampler
    from optuna.trial import TrialState

    from edgewise.vision.tuning.watch import Watch

    runs = last_of_each_run(study)
    index = next((i for i, trial in runs.items() if trial.state is TrialState.WAITING), len(runs))
    # A generator of its own for each run: a study that was interrupted draws what it would have drawn.
    study.sampler = TPESampler(seed=(recipe.seed + index) % 2**32)
    trial = study.ask()
    changed, run = space.suggest(trial, recipe), folder.run(index)
    watch = Watch(trial, task_of(recipe).score(recipe).name, run.read_metrics(), changed.epochs)
    run.path.parent.mkdir(exist_ok=True)
    try:
        result = train(changed, run.path, resume=True, progress=progress, callbacks=[watch])
    except (NonFiniteError, torch.OutOfMemoryError, ConfigError) as error:
        if isinstance(error, ConfigError) and not any(t.state.name in ("COMPLETE", "PRUNED") for t in runs.values()):
            raise  # nothing has worked yet: it is the recipe's fault rather than the trial's
        trial.set_user_attr("reason", str(error).splitlines()[0])
        study.tell(trial, state=TrialState.FAIL)
        return index
    if watch.pruned:
        study.tell(trial, state=TrialState.PRUNED)
        _delete_weights(run)
    else:
        study.tell(trial, result.best)
    return index


def _take_up(study: "optuna.Study", folder: StudyFolder) -> None:
    """Put in order what a process that died has left behind; may itself be killed at any moment, and called again."""
    from optuna.trial import TrialState

    trials = with_runs(study)
    waiting = {index for index, trial in trials if trial.state is TrialState.WAITING}
    for index, trial in trials:
        if trial.state is TrialState.PRUNED:
            _delete_weights(folder.run(index))
        if trial.state is not TrialState.RUNNING:
            continue
        epochs = len(folder.run(index).read_metrics())
        deaths = 1 if epochs > trial.user_attrs.get("epochs", 0) else trial.user_attrs.get("deaths", 0) + 1
        if deaths < DEATHS and index not in waiting:
            facts = {"continues": index, "epochs": epochs, "deaths": deaths}
            study.enqueue_trial(trial.params, user_attrs=facts)
        study.tell(trial.number, state=TrialState.FAIL)


def _settled(study: "optuna.Study") -> list["optuna.trial.FrozenTrial"]:
    return [trial for trial in last_of_each_run(study).values() if trial.state.is_finished()]


def _delete_weights(run: RunFolder) -> None:
    for path in (run.model, run.last, run.checkpoint):
        path.unlink(missing_ok=True)
    shutil.rmtree(run.path / "epochs", ignore_errors=True)


def _on_one_device(recipe: Recipe) -> Recipe:
    """Trials follow one another on one device: several train a run in processes that would each hold the study."""
    devices = recipe.machine.devices
    require_that(devices in ("auto", 1, "1"), "machine.devices", devices, "1 (or auto) in a study")
    return replace(recipe, machine=replace(recipe.machine, devices=1))


@contextlib.contextmanager
def _held(folder: StudyFolder, recipe: Recipe, space: Space, pruner: str, start: str | None) -> Iterator[None]:
    """Hold the folder, as a new study's or as the same one's."""
    facts = {"recipe": recipe.to_dict(), "space": _plain(space), "pruner": pruner}
    make_folder(folder.path)
    with RunFolder(folder.path).hold():
        if not folder.config.exists():
            names = {item.name for item in folder.path.iterdir() if item.suffix != ".tmp"}  # of a writer that was killed
            others = sorted(names - {"lock", "owner"})
            if others:
                raise CheckpointError(f"{folder.path} is not empty and holds no study ({others[0]}): choose another folder")
            versions = {name: version(name) for name in ("edgewise", "torch", "optuna")}
            write_json(folder.config, {**facts, "start": start, "versions": versions})
        found = folder.read_config()
        changed = [name for name, value in facts.items() if found.get(name) != value]
        if changed:
            raise CheckpointError(
                f"{folder.path} holds a study with another {' and '.join(changed)}: "
                "go on with its own, or choose another folder"
            )
        yield


def _plain(space: Space) -> dict:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(space).items()}
