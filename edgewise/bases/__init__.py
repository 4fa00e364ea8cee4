"""Bases: what a function on an edge is. One file a family; to add one, write its file and its line here."""

from edgewise.bases.basis import Basis, BasisLike, State, as_basis, create_basis, list_bases, register_basis
from edgewise.bases.bernstein import Bernstein
from edgewise.bases.bspline import BSpline
from edgewise.bases.chebyshev import Chebyshev
from edgewise.bases.fourier import Fourier
from edgewise.bases.gegenbauer import Gegenbauer
from edgewise.bases.gram import Gram
from edgewise.bases.hermite import Hermite
from edgewise.bases.jacobi import Jacobi
from edgewise.bases.laguerre import Laguerre
from edgewise.bases.legendre import Legendre
from edgewise.bases.monomials import Monomials
from edgewise.bases.rational import Rational
from edgewise.bases.rbf import GaussianRBF
from edgewise.bases.relu_kan import ReLUKAN
from edgewise.bases.rswaf import RSWAF
from edgewise.bases.sine import Sine
from edgewise.bases.squashed import Squashed
from edgewise.bases.wavelet import Wavelet

__all__ = [
    "RSWAF",
    "BSpline",
    "Basis",
    "BasisLike",
    "Bernstein",
    "Chebyshev",
    "Fourier",
    "GaussianRBF",
    "Gegenbauer",
    "Gram",
    "Hermite",
    "Jacobi",
    "Laguerre",
    "Legendre",
    "Monomials",
    "Rational",
    "ReLUKAN",
    "Sine",
    "Squashed",
    "State",
    "Wavelet",
    "as_basis",
    "create_basis",
    "list_bases",
    "register_basis",
]
