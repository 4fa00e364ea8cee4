"""Differential equations: derivatives of networks, equations as terms of a problem, and solvers."""

from edgewise.physics.field import Field
from edgewise.physics.gauss_newton import GaussNewton
from edgewise.physics.problem import Problem, Term
from edgewise.physics.run import Course
from edgewise.physics.separable import Separable
from edgewise.physics.solve import solve
from edgewise.physics.unknowns import standard_errors, unknowns_of

__all__ = ["Course", "Field", "GaussNewton", "Problem", "Separable", "Term", "solve", "standard_errors", "unknowns_of"]
