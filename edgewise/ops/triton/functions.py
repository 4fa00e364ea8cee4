"""Functions on edges for Triton's kernels: a basis is one function of x and j, which gives its value and its slope.

Here stands which basis has which. To add one, write its function beside its kin and its row here.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from edgewise.bases.basis import Basis
from edgewise.bases.bspline import BSpline
from edgewise.ops.triton.edges import ends_of_domain
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

KERNELS: dict[type[Basis], Callable[[Any], Made | None]] = {}
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


def _spline(basis: BSpline) -> Made | None:
    lo, hi = basis.domain
    if basis.degree == 0:
        return None
    if basis.knots == "uniform":
        steps = basis.grid_size / (hi - lo)
        kernel = BasisKernel(basis.num_functions, uniform_spline, (basis.degree,))
        return kernel, (basis.degree - lo * steps, steps)
    settings = (basis.degree, basis.grid_size + 2 * basis.degree + 1)
    return BasisKernel(basis.num_functions, own_spline, settings, ends=ends_of_knots), ()


KERNELS[BSpline] = _spline
