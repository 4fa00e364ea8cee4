"""Fitting networks to tables by L-BFGS, Levenberg-Marquardt or Adam."""

from edgewise.kan.fitting.data import Table
from edgewise.kan.fitting.fit import fit
from edgewise.kan.fitting.history import History
from edgewise.kan.fitting.jacobian import jacobian
from edgewise.kan.fitting.lbfgs import LBFGS, Adam
from edgewise.kan.fitting.losses import CrossEntropy, CurvedLoss, Huber, Poisson
from edgewise.kan.fitting.marquardt import Marquardt

__all__ = [
    "LBFGS",
    "Adam",
    "CrossEntropy",
    "CurvedLoss",
    "History",
    "Huber",
    "Marquardt",
    "Poisson",
    "Table",
    "fit",
    "jacobian",
]
