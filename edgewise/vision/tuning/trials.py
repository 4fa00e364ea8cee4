"""The folder of a study: what is in it, and its trials as the runs that they are."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewise._ground.errors import CheckpointError
from edgewise._ground.optional import require
from edgewise._ground.quiet import quiet
from edgewise.io import read_json
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.recipe import Recipe
from edgewise.vision.training.tasks import task_of

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial


class StudyFolder:
    """The files of a study, under one path.

    ``study.json`` the recipe, the space and the pruner; ``study.db`` Optuna's study (SQLite); ``trials/NNNN`` the run of
    each trial, numbered from 0; ``report.html``; ``lock`` and ``owner``, as in a run.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.config = self.path / "study.json"
        self.database = self.path / "study.db"
        self.report = self.path / "report.html"

    def run(self, index: int) -> RunFolder:
        """The run of a trial."""
        return RunFolder(self.path / "trials" / f"{index:04d}")

    def read_config(self) -> dict[str, Any]:
        """What the study is made of.

        Raises:
            CheckpointError: The folder holds no study.
        """
        if not self.config.exists():
            raise CheckpointError(f"{self.path} holds no study: give a folder made by `edgewise tune`")
        return read_json(self.config)

    @contextlib.contextmanager
    def study(self) -> Iterator["Study"]:
        """Optuna's study, made if there is none; closed at the end."""
        optuna = require("optuna", extra="tune")
        with quiet(loggers=["optuna"]):
            storage = optuna.storages.RDBStorage(f"sqlite:///{self.database}")
            try:
                # The name enters what Hyperband draws.
                yield optuna.create_study(storage=storage, study_name="edgewise", direction="maximize", load_if_exists=True)
            finally:
                storage.remove_session()
                storage.engine.dispose()


@dataclass(frozen=True)
class TrialRun:
    """A trial, whose run may have been taken up by several processes after one another."""

    index: int
    """The number of its run."""
    state: str
    """``complete``, ``pruned``, ``failed``, or ``running`` (or was, when its process died)."""
    score: float | None
    """The best validation score; of a pruned one, of the epochs that it was trained for."""
    settings: dict[str, Any]
    """What was drawn from the space."""
    reason: str = ""
    """Why it failed."""
    epochs: int = 0
    """Epochs that it was trained for."""
    parameters: int | None = None
    """Trainable parameters of its network."""


@dataclass(frozen=True)
class Tuning:
    """What a study found."""

    path: Path
    recipe: Recipe
    """What the study started from."""
    trials: list[TrialRun]
    """In the order of their runs."""
    importances: dict[str, float]
    """Which part of the score's variance each setting explains (functional ANOVA); empty where trials are too few."""

    @cached_property
    def best(self) -> TrialRun:
        """The complete trial of the highest score.

        Raises:
            CheckpointError: None is complete.
        """
        complete = [trial for trial in self.trials if trial.state == "complete"]
        if not complete:
            raise CheckpointError(f"no trial in {self.path} is complete: go on with more of them")
        return max(complete, key=lambda trial: float("-inf") if trial.score is None else trial.score)

    @property
    def best_run(self) -> Path:
        """The folder of the best run."""
        return StudyFolder(self.path).run(self.best.index).path

    @property
    def best_recipe(self) -> Recipe:
        """The recipe of the best run."""
        return RunFolder(self.best_run).read_recipe()


def read_tuning(path: str | Path) -> Tuning:
    """What a study found by now.

    Raises:
        CheckpointError: The folder holds no study.
    """
    folder = StudyFolder(path)
    recipe = Recipe.from_dict(folder.read_config()["recipe"])
    with folder.study() as study:
        runs = last_of_each_run(study)
        trials = [as_run(folder, recipe, index, trial) for index, trial in sorted(runs.items())]
        return Tuning(folder.path, recipe, trials, _importances(study))


def with_runs(study: "Study") -> list[tuple[int, "FrozenTrial"]]:
    """Optuna's trials, each after the number of its run: one whose process died hands its run on to another."""
    found, fresh = [], 0
    for trial in study.get_trials(deepcopy=False):
        found.append((trial.user_attrs.get("continues", fresh), trial))
        fresh += "continues" not in trial.user_attrs
    return found


def last_of_each_run(study: "Study") -> dict[int, "FrozenTrial"]:
    """For each run, the trial of Optuna that has it now."""
    return dict(with_runs(study))


def as_run(folder: StudyFolder, recipe: Recipe, index: int, trial: "FrozenTrial") -> TrialRun:
    """A trial of Optuna with what its run's files say."""
    state = {"FAIL": "failed", "WAITING": "running"}.get(trial.state.name, trial.state.name.lower())
    run, score = folder.run(index), task_of(recipe).score(recipe).name
    lines = run.read_metrics()
    reason = trial.user_attrs.get("reason", "its process died several times") if state == "failed" else ""
    best = max((line[score] for line in lines), default=None)
    parameters = run.read_result().parameters if run.result.exists() else None
    return TrialRun(index, state, best, dict(trial.params), reason, len(lines), parameters)


def _importances(study: "Study") -> dict[str, float]:
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances
    from optuna.trial import TrialState

    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < 4 or len({trial.value for trial in complete}) < 2:
        return {}
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    return {name: float(part) for name, part in found.items()}
