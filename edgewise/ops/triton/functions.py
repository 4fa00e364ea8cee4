"""Functions on edges for Triton's kernels: a basis is one function of x and j, which gives its value and its slope.

Here stands which basis has which. To add one, write its function beside its kin and its row here.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from edgewise.bases._polynomials import Recurrent
from edgewise.bases.basis import EMPTY, Basis
from edgewise.bases.bernstein import Bernstein
from edgewise.bases.bspline import BSpline
from edgewise.bases.chebyshev import Chebyshev
from edgewise.bases.fourier import Fourier
from edgewise.bases.gegenbauer import Gegenbauer
from edgewise.bases.hermite import Hermite
from edgewise.bases.jacobi import Jacobi
from edgewise.bases.laguerre import Laguerre
from edgewise.bases.legendre import Legendre
from edgewise.bases.monomials import Monomials
from edgewise.bases.rbf import GaussianRBF
from edgewise.bases.relu_kan import ReLUKAN
from edgewise.bases.rswaf import RSWAF
from edgewise.ops.triton.edges import ends_of_domain
from edgewise.ops.triton.global_bases import bernstein, gaussian, monomial, polynomial, rectified, switch, wave
from edgewise.ops.triton.splines import ends_of_knots, own_spline, uniform_spline


class BasisKernel(NamedTuple):
    """What a kernel is told of a basis when it is compiled.

    ``function`` is of ``(x, j, feature, NUMBERS, SETTINGS)``, with ``@triton.jit``: value and slope of function j at x, by
    the formula of the basis, before any rule for the outside. ``ends`` gives the ends of the domain.
    """

    num_functions: int
    function: Any
    settings: tuple[int, ...] = ()  # whole numbers that each have kernels of their own
    outside: str = "natural"
    ends: Any = ends_of_domain

    @property
    def cache_key(self) -> str:
        """What compiled kernels are found by: their source counts, too."""
        return f"{self.num_functions}, {self.function.cache_key}, {self.settings}, {self.outside}, {self.ends.cache_key}"


Made = tuple[BasisKernel, tuple[float, ...]]
"""A kernel, and the numbers that it reads at ``NUMBERS + 2``; ``NUMBERS`` starts with the domain."""


def _spline(basis: BSpline) -> Made | None:
    if basis.degree == 0:
        return None
    if basis.knots == "uniform":
        kernel = BasisKernel(basis.num_functions, uniform_spline, (basis.degree,))
        return kernel, _cells(basis, basis.grid_size, basis.degree)
    settings = (basis.degree, basis.grid_size + 2 * basis.degree + 1)
    return BasisKernel(basis.num_functions, own_spline, settings, ends=ends_of_knots), ()


def _polynomials(basis: Recurrent) -> Made:
    first, last = basis.reference
    table = []
    for n in range(basis.degree):
        a, b, c = basis.step(n, EMPTY)
        table += [a, b + a * (first + last) / 2, c]
    return BasisKernel(basis.num_functions, polynomial), (*_centred(basis, last - first), *table)


def _chebyshev(basis: Chebyshev) -> Made:
    table = [1.0, 0.0, 0.0, *(2.0, 0.0, 1.0) * max(0, basis.degree - 1)]
    return BasisKernel(basis.num_functions, polynomial), (*_centred(basis, 2.0), *table)


def _bernstein(basis: Bernstein) -> Made:
    lo, hi = basis.domain
    table = [math.comb(basis.degree, j) for j in range(basis.degree + 1)]
    return BasisKernel(basis.num_functions, bernstein, (basis.degree,)), (lo, 1 / (hi - lo), *table)


def _fourier(basis: Fourier) -> Made:
    return BasisKernel(basis.num_functions, wave, (basis.num_frequencies,)), _centred(basis, 1.0)


def _bumps(function: Any) -> Callable[[GaussianRBF | RSWAF], Made]:
    def made(basis: GaussianRBF | RSWAF) -> Made:
        return BasisKernel(basis.num_functions, function), _cells(basis, basis.num_centers - 1, 0)

    return made


def _rectified(basis: ReLUKAN) -> Made:
    kernel = BasisKernel(basis.num_functions, rectified, (basis.span + 1, basis.power))
    return kernel, _cells(basis, basis.grid_size, basis.span)


def _centred(basis: Basis, length: float) -> tuple[float, float]:
    """For a variable that runs over ``length`` on the domain, and is 0 in its middle: the middle, and the stretch."""
    lo, hi = basis.domain
    return (lo + hi) / 2, length / (hi - lo)


def _cells(basis: Basis, cells: int, first: int) -> tuple[float, float]:
    """For a variable that counts cells and is ``first`` at the lower end of the domain: its value at 0, the stretch."""
    lo, hi = basis.domain
    stretch = cells / (hi - lo)
    return first - lo * stretch, stretch


KERNELS: dict[type[Basis], Callable[[Any], Made | None]] = {
    BSpline: _spline,
    Chebyshev: _chebyshev,
    Fourier: _fourier,
    GaussianRBF: _bumps(gaussian),
    RSWAF: _bumps(switch),
    ReLUKAN: _rectified,
    Bernstein: _bernstein,
    Monomials: lambda basis: (BasisKernel(basis.num_functions, monomial), _centred(basis, 2.0)),
    **dict.fromkeys((Gegenbauer, Hermite, Jacobi, Laguerre, Legendre), _polynomials),
}
"""For each kind of basis that has one, its kernel; None for settings that it does not cover."""


@lru_cache(maxsize=256)
def kernel_of(basis: Basis) -> Made | None:
    """What evaluates a basis in Triton's language, if anything does."""
    made = KERNELS[type(basis)](basis) if type(basis) in KERNELS else None
    if made is None:
        return None
    outside = "natural" if basis.outside == basis.natural else basis.outside
    return made[0]._replace(outside=outside), made[1]


@lru_cache(maxsize=256)
def numbers_of(basis: Basis, numbers: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """The constants of a basis where its kernel reads them."""
    return torch.tensor([*basis.domain, *numbers], dtype=dtype, device=device)
