"""Fitting networks to tables: L-BFGS, Levenberg-Marquardt or Adam, with moving and growing grids and penalties."""

from edgewise.fitting.data import Table
from edgewise.fitting.fit import fit
from edgewise.fitting.history import History
from edgewise.fitting.jacobian import jacobian
from edgewise.fitting.lbfgs import LBFGS, Adam
from edgewise.fitting.marquardt import Marquardt

__all__ = ["LBFGS", "Adam", "History", "Marquardt", "Table", "fit", "jacobian"]
