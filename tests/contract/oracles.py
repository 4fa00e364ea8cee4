"""What each registered basis is compared with: one line a basis, from scipy, numpy or a closed form."""

from functools import partial

import numpy as np
from scipy import special
from scipy.interpolate import BSpline as ScipySpline

from edgewise.bases import Basis
from edgewise.bases.basis import BASES


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


def mapped(basis: Basis, x: np.ndarray, first: float, last: float) -> np.ndarray:
    """The domain mapped linearly to another interval."""
    return first + (x - basis.domain[0]) * (last - first) / (basis.domain[1] - basis.domain[0])


def polynomials(evaluate, first: float = -1, last: float = 1):
    """Of degree 0 to the largest, each by ``evaluate(basis, degree, t)``; at infinity NaN, as in numpy's Vandermondes."""

    def oracle(basis: Basis, x: np.ndarray) -> np.ndarray:
        t = mapped(basis, x, first, last)
        return np.stack([evaluate(basis, n, t) + 0 * x for n in range(basis.degree + 1)], -1)

    return oracle


NONE = np.empty((2, 0))  # for two features, below degree 2


def gram(basis: Basis, x: np.ndarray, recurrence: np.ndarray = NONE) -> np.ndarray:
    """Characteristic polynomials of leading blocks of the Jacobi matrix that the recurrence defines (Golub and Welsch)."""
    t, rows = mapped(basis, x, -1, 1), [1 + 0 * x]
    for n in range(1, basis.degree + 1):
        off = np.sqrt(recurrence[:, : n - 1].astype(complex))  # the numbers b may be negative
        roots = np.stack([np.linalg.eigvals(np.diag(o, 1) + np.diag(o, -1)) for o in off])  # (features, n)
        rows.append((t[..., None] - roots).prod(-1).real)
    return np.stack(rows, -1)


def bernstein(basis: Basis, x: np.ndarray) -> np.ndarray:
    """By de Casteljau's construction: from degree to degree, each is a blend of its two predecessors."""
    u = mapped(basis, x, 0, 1)[..., None]
    rows = 1 + 0 * u
    for _ in range(basis.degree):
        none = np.zeros_like(u)
        rows = np.concatenate([rows * (1 - u), none], -1) + np.concatenate([none, rows * u], -1)
    return rows


def sine(basis: Basis, x: np.ndarray, frequency: np.ndarray, phase: np.ndarray) -> np.ndarray:
    angles = mapped(basis, x, -np.pi, np.pi)[..., None] * frequency + phase
    return np.exp(1j * angles).imag


def rswaf(basis: Basis, x: np.ndarray) -> np.ndarray:
    centers, width = np.linspace(*basis.domain, basis.num_centers, retstep=True)
    return 4 * special.expit(2 * (x[..., None] - centers) / width) * special.expit(-2 * (x[..., None] - centers) / width)


def relu_kan(basis: Basis, x: np.ndarray) -> np.ndarray:
    (lo, hi), count = basis.domain, basis.grid_size + basis.span
    start = lo + (hi - lo) / basis.grid_size * (np.arange(count) - basis.span)
    end = start + (hi - lo) / basis.grid_size * (basis.span + 1)
    middle, half = (start + end) / 2, (end - start) / 2
    return np.clip(1 - ((x[..., None] - middle) / half) ** 2, 0, None) ** basis.power


def rational(basis: Basis, x: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    t = mapped(basis, x, -3, 3)
    below = np.stack([np.polyval([*b[::-1], 0], column) for b, column in zip(denominator, t.T, strict=True)], -1)
    return np.stack([t**j / (1 + np.abs(below)) for j in range(basis.numerator + 1)], -1)


def meyer(z: np.ndarray) -> np.ndarray:
    """The closed form of Vermehren and de Oliveira, arXiv:1502.00161; its removable poles are stepped over."""
    pole = np.isin(np.abs(z), (0, 0.375, 0.75))
    z = np.where(pole, z + 1e-7, z)
    first = 4 / (3 * np.pi) * z * np.cos(2 * np.pi / 3 * z) - np.sin(4 * np.pi / 3 * z) / np.pi
    second = 8 / (3 * np.pi) * z * np.cos(8 * np.pi / 3 * z) + np.sin(4 * np.pi / 3 * z) / np.pi
    return first / (z - 16 / 9 * z**3) + second / (z - 64 / 9 * z**3)


MOTHERS = {
    "mexican_hat": lambda z: 2 / (np.sqrt(3) * np.pi**0.25) * (1 - z**2) * np.exp(-(z**2) / 2),
    "morlet": lambda z: (np.exp(5j * z - z**2 / 2)).real,
    "dog": lambda z: z * np.exp(-(z**2) / 2),
    "shannon": lambda z: 2 * np.sinc(2 * z) - np.sinc(z),  # the whole band up to the octave, without what is below it
    "meyer": meyer,
}


def wavelet(basis: Basis, x: np.ndarray, translation: np.ndarray, log_scale: np.ndarray) -> np.ndarray:
    return MOTHERS[basis.kind]((x[..., None] - translation) / np.exp(log_scale))


SQUASHED = {
    "tanh": np.tanh,
    "sigmoid": lambda z: 2 * special.expit(z) - 1,
    "arctan": lambda z: np.arctan2(z, 1) / (np.pi / 2),
}


def squashed(basis: Basis, x: np.ndarray, **state: np.ndarray) -> np.ndarray:
    lo, hi = basis.basis.domain
    inside = lo + (hi - lo) * (SQUASHED[basis.by](mapped(basis, x, -3, 3)) + 1) / 2
    (name,) = (name for name in ORACLES if BASES[name] is type(basis.basis))
    return ORACLES[name](basis.basis, inside, **state)


ORACLES = {
    "bernstein": bernstein,
    "bspline": bspline,
    "chebyshev": chebyshev,
    "fourier": fourier,
    "gaussian_rbf": gaussian_rbf,
    "gegenbauer": polynomials(lambda basis, n, t: special.eval_gegenbauer(n, basis.alpha, t)),
    "gram": gram,
    "hermite": polynomials(lambda _, n, t: special.eval_hermitenorm(n, t) / np.sqrt(special.factorial(n)), -3, 3),
    "jacobi": polynomials(lambda basis, n, t: special.eval_jacobi(n, basis.alpha, basis.beta, t)),
    "laguerre": polynomials(lambda _, n, t: special.eval_laguerre(n, t), 0, 4),
    "legendre": polynomials(lambda _, n, t: special.eval_legendre(n, t)),
    "monomials": polynomials(lambda _, n, t: t**n),
    "rational": rational,
    "relu_kan": relu_kan,
    "rswaf": rswaf,
    "sine": sine,
    "squashed": squashed,
    "wavelet": wavelet,
}


def oracle_of(name: str, basis: Basis):
    """The oracle of a registered basis, as the contract wants it."""
    return partial(ORACLES[name], basis)
