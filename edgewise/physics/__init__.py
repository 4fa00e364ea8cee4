"""Differential equations: derivatives of networks, equations as terms of a problem, and solvers."""

from edgewise.physics.causal import Causal
from edgewise.physics.conserved import Conserving, discover_conserving, discover_hamiltonian
from edgewise.physics.domains import Box, Disc, Domain
from edgewise.physics.dynamics import Dynamics, discover_dynamics
from edgewise.physics.field import Field
from edgewise.physics.gauss_newton import GaussNewton
from edgewise.physics.march import Marched, march
from edgewise.physics.operators import along, around, curl, div, grad, laplacian
from edgewise.physics.polygon import Polygon
from edgewise.physics.problem import Problem
from edgewise.physics.run import Course
from edgewise.physics.separable import Separable
from edgewise.physics.solve import solve
from edgewise.physics.term import Term
from edgewise.physics.unknowns import standard_errors, unknowns_of
from edgewise.physics.walled import Periodic, Walled

__all__ = [
    "Box",
    "Causal",
    "Conserving",
    "Course",
    "Disc",
    "Domain",
    "Dynamics",
    "Field",
    "GaussNewton",
    "Marched",
    "Periodic",
    "Polygon",
    "Problem",
    "Separable",
    "Term",
    "Walled",
    "along",
    "around",
    "curl",
    "discover_conserving",
    "discover_dynamics",
    "discover_hamiltonian",
    "div",
    "grad",
    "laplacian",
    "march",
    "solve",
    "standard_errors",
    "unknowns_of",
]
