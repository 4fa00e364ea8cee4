"""Search for the settings of a recipe that score best: a study of many short runs, in one folder."""

from edgewise.vision.tuning.command import command_line
from edgewise.vision.tuning.pruners import PRUNERS
from edgewise.vision.tuning.report import write_tuning_report
from edgewise.vision.tuning.space import Space
from edgewise.vision.tuning.study import tune
from edgewise.vision.tuning.trials import TrialRun, Tuning, read_tuning

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
