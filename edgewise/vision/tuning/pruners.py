"""What stops the runs of a study that lag behind."""

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING

from edgewise._ground.optional import require
from edgewise.vision.tuning.trials import with_runs

if TYPE_CHECKING:
    from optuna.pruners import BasePruner

PRUNERS: dict[str, Callable[[int], "BasePruner"]] = {
    "median": lambda epochs: _optuna().MedianPruner(n_startup_trials=5, n_warmup_steps=epochs // 4),
    "hyperband": lambda epochs: _hyperband_of_runs()(epochs),
    "none": lambda epochs: _optuna().NopPruner(),
}
"""By name, what makes the pruner of runs of so many epochs."""
NOWHERE = -1


@cache
def _hyperband_of_runs():
    class HyperbandOfRuns(_optuna().HyperbandPruner):
        """Hyperband that does not notice the death of a process, after which a run goes on as another trial of Optuna.

        A run keeps its bracket, which Optuna draws from the number of a trial. Trials that failed compete no more: among
        them are those whose process died, and what they scored counts in the trial that goes on.
        """

        def __init__(self, epochs: int):
            super().__init__(min_resource=1, max_resource=epochs)
            self.runs: dict[int, int] = {}  # of each trial by its number

        def _get_bracket_id(self, study, trial) -> int:
            if trial.state.name == "FAIL":
                return NOWHERE
            if trial.number not in self.runs:
                whole = getattr(study, "_study", study)  # Optuna asks with the study of one bracket, too
                self.runs = {other.number: run for run, other in with_runs(whole)}
            return super()._get_bracket_id(study, SimpleNamespace(number=self.runs[trial.number]))

    return HyperbandOfRuns


def _optuna():
    return require("optuna.pruners", extra="tune")
