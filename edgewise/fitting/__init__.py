"""Fitting networks to tables by L-BFGS, Levenberg-Marquardt or Adam, and the whole way from a table to a formula."""

from edgewise.fitting.data import Table
from edgewise.fitting.discover import Discovery, discover
from edgewise.fitting.fit import fit
from edgewise.fitting.history import History
from edgewise.fitting.jacobian import jacobian
from edgewise.fitting.lbfgs import LBFGS, Adam
from edgewise.fitting.marquardt import Marquardt

__all__ = ["LBFGS", "Adam", "Discovery", "History", "Marquardt", "Table", "discover", "fit", "jacobian"]
