"""What each registered basis is compared with: one line a basis, from scipy, numpy or a closed form."""

from functools import partial

import numpy as np
from scipy.interpolate import BSpline as ScipySpline

from edgewise.bases import Basis


def bspline_element(knots: np.ndarray, x: np.ndarray, end: float) -> np.ndarray:
    """One B-spline on its ``degree + 2`` knots; right-continuous, but from the left at ``end``, that of the domain."""
    if knots[0] == knots[-1]:
        return np.zeros_like(x)
    x = np.where(x == end, np.nextafter(end, -np.inf), x)
    if len(knots) == 2:  # scipy closes both ends of a constant
        return ((knots[0] <= x) & (x < knots[1])).astype(float)
    return np.nan_to_num(ScipySpline.basis_element(knots, extrapolate=False)(x))


def bspline_on(knots: np.ndarray, degree: int, x: np.ndarray) -> np.ndarray:
    """All functions on the knots of one feature."""
    count = len(knots) - degree - 1
    return np.stack(
        [bspline_element(knots[j : j + degree + 2], x, knots[-degree - 1]) for j in range(count)],
        -1,
    )


def bspline(basis: Basis, x: np.ndarray, knots: np.ndarray | None = None) -> np.ndarray:
    if knots is None:
        (lo, hi), degree = basis.domain, basis.degree
        knots = lo + (hi - lo) / basis.grid_size * np.arange(-degree, basis.grid_size + degree + 1)
        knots[-degree - 1] = hi
        knots = np.tile(knots, (x.shape[-1], 1))
    return np.stack([bspline_on(own, basis.degree, column) for own, column in zip(knots, x.T, strict=True)], 1)


def chebyshev(basis: Basis, x: np.ndarray) -> np.ndarray:
    lo, hi = basis.domain
    return np.polynomial.chebyshev.chebvander((2 * x - lo - hi) / (hi - lo), basis.degree)


def fourier(basis: Basis, x: np.ndarray) -> np.ndarray:
    lo, hi = basis.domain
    angles = 2 * np.pi * (x[..., None] - (lo + hi) / 2) / (hi - lo) * np.arange(1, basis.num_frequencies + 1)
    return np.concatenate([np.cos(angles), np.sin(angles)], -1)


def gaussian_rbf(basis: Basis, x: np.ndarray) -> np.ndarray:
    centers, width = np.linspace(*basis.domain, basis.num_centers, retstep=True)
    return np.exp(-(((x[..., None] - centers) / width) ** 2))


ORACLES = {
    "bspline": bspline,
    "chebyshev": chebyshev,
    "fourier": fourier,
    "gaussian_rbf": gaussian_rbf,
}


def oracle_of(name: str, basis: Basis):
    """The oracle of a registered basis, as the contract wants it."""
    return partial(ORACLES[name], basis)
