"""Runs that are played rather than trained, and whose process dies at one epoch or another."""

from types import SimpleNamespace

import numpy as np
import optuna
import pytest
import torch

from edgewise.vision.tuning import PRUNERS
from edgewise.vision.tuning.watch import Watch

EPOCHS, RUNS = 9, 30
SCORES = np.random.default_rng(0).random((RUNS, 1)) + np.random.default_rng(1).random((RUNS, EPOCHS)) / 3


@pytest.fixture(autouse=True)
def quiet():
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(level)


def epochs_of_runs(pruner: str, deaths=()) -> list[int]:
    """How many epochs each run of a study gets; in those of ``deaths``, pairs of run and epochs, its process dies."""
    study = optuna.create_study(study_name="edgewise", direction="maximize", pruner=PRUNERS[pruner](EPOCHS))
    found = []
    for run, scores in enumerate(SCORES):
        lines = []
        while not play(study.ask(), scores, lines, [epochs for other, epochs in deaths if other == run], study):
            study.enqueue_trial({}, user_attrs={"continues": run})
        found.append(len(lines))
    return found


def play(trial: optuna.Trial, scores, lines: list[dict], deaths: list[int], study: optuna.Study) -> bool:
    """Whether the run comes to its end."""
    watch, trainer = Watch(trial, "score", lines, EPOCHS), SimpleNamespace()
    watch.on_train_start(trainer, None)
    begun = len(lines)
    while len(lines) < EPOCHS and not trainer.should_stop:
        if len(lines) in deaths and len(lines) > begun:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            return False
        trainer.current_epoch, trainer.callback_metrics = len(lines), {"score": torch.tensor(scores[len(lines)])}
        watch.on_train_epoch_end(trainer, None)
        lines.append({"score": scores[len(lines)]})
    if watch.pruned:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    else:
        study.tell(trial, float(scores.max()))
    return True


@pytest.mark.parametrize("pruner", sorted(PRUNERS))
def test_a_run_gets_as_many_epochs_whether_its_process_died_or_not(pruner):
    undisturbed = epochs_of_runs(pruner)
    assert (min(undisturbed) < EPOCHS) == (pruner != "none")
    long = [run for run, epochs in enumerate(undisturbed) if epochs == EPOCHS]
    for deaths in ([(long[0], 1)], [(long[2], 3), (long[2], 7), (long[3], 4)], [(run, 2) for run in long]):
        assert epochs_of_runs(pruner, deaths) == undisturbed
