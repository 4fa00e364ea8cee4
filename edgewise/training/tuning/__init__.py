"""Search for the settings of a recipe that score best: a study of many short runs, in one folder."""

from edgewise.training.tuning.command import command_line
from edgewise.training.tuning.pruners import PRUNERS
from edgewise.training.tuning.report import write_tuning_report
from edgewise.training.tuning.space import Space
from edgewise.training.tuning.study import tune
from edgewise.training.tuning.trials import TrialRun, Tuning, read_tuning

__all__ = [
    "PRUNERS",
    "Space",
    "TrialRun",
    "Tuning",
    "command_line",
    "read_tuning",
    "tune",
    "write_tuning_report",
]
