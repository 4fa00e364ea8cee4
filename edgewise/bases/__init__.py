"""Bases: what a function on an edge is. One file a family; to add one, write its file and its line here."""

from edgewise.bases.basis import Basis, State, create_basis, list_bases, register_basis
from edgewise.bases.bspline import BSpline
from edgewise.bases.chebyshev import Chebyshev
from edgewise.bases.fourier import Fourier
from edgewise.bases.rbf import GaussianRBF

__all__ = [
    "BSpline",
    "Basis",
    "Chebyshev",
    "Fourier",
    "GaussianRBF",
    "State",
    "create_basis",
    "list_bases",
    "register_basis",
]
