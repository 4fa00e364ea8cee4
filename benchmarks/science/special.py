"""Fifteen special functions of two variables in equal time: ``python -m benchmarks.science.special [--only jv]``.

The functions of the KAN paper (arXiv:2404.19756, section 3.2), which states no domains: ours are in the table below, kept
off singularities, and every contender sees them scaled to [-1, 1]. So the paper's columns tell orders of magnitude only.
Each contender gets 3000 rows and ``--seconds`` for each function; 3000 other rows are the test.

ours      the search of search.py: held-out rows decide, the test error is measured once
pykan     the paper's best shape, L-BFGS on grids of 3, 5, 10, 20, 50, 100; its best test error on the way counts
MLP       four sizes, Adam, then L-BFGS, the best goes on; its best test error on the way counts
MLP, LM   the same by our own Levenberg-Marquardt, to tell the network from its solver

Results go to one file a function, so that several processes can share the work; each run prints the table of all that
there are, ``--table`` nothing else. A full run takes 15 x 4 x seconds: an hour.
"""

from argparse import Namespace
from collections.abc import Callable
from math import pi
from typing import NamedTuple

from scipy import special

from benchmarks.science import common
from benchmarks.science.common import draw
from benchmarks.science.contest import CONTENDERS, arguments, contest, measured

ROWS = 3000
SHAPES = ((2, 1, 1), (2, 2, 1), (2, 5, 1), (2, 3, 1, 1), (2, 2, 2, 1), (2, 3, 3, 1), (2, 5, 5, 1))
GOAL = 12  # functions on which ours is to be more accurate than pykan


class Function(NamedTuple):
    """A function, its domain, and what the paper reports: its best shape, RMSE of the KAN, RMSE of the MLP."""

    f: Callable
    ranges: tuple[tuple[float, float], tuple[float, float]]
    shape: tuple[int, ...]
    paper_kan: float
    paper_mlp: float


def harmonic(m: int, n: int) -> Callable:
    """The real part of a spherical harmonic by azimuth and polar angle."""
    return lambda azimuth, polar: special.sph_harm_y(n, m, polar, azimuth).real


def legendre(m: int) -> Callable:
    return lambda degree, x: special.lpmv(m, degree, x)


ELLIPTIC = ((0, pi / 2), (0, 0.9))  # amplitude, parameter m
OSCILLATING = ((0, 2), (1, 10))  # order, argument
MONOTONE = ((0, 2), (1, 5))
DEGREE = ((0, 3), (-0.8, 0.95))  # degree, argument: singular at -1, and for m > 0 a root at 1
SPHERE = ((0, 2 * pi), (0, pi))  # azimuth, polar angle
FUNCTIONS = {
    "ellipj": Function(lambda u, m: special.ellipj(u, m)[0], ((0, 4), (0, 0.9)), (2, 3, 2, 1, 1), 1.33e-4, 6.48e-4),
    "ellipkinc": Function(special.ellipkinc, ELLIPTIC, (2, 2, 1, 1, 1), 1.24e-4, 5.52e-4),
    "ellipeinc": Function(special.ellipeinc, ELLIPTIC, (2, 2, 1, 1), 8.26e-5, 3.04e-4),
    "jv": Function(special.jv, OSCILLATING, (2, 3, 1, 1, 1), 1.64e-3, 5.52e-3),
    "yv": Function(special.yv, OSCILLATING, (2, 2, 2, 1), 1.49e-5, 3.45e-4),
    "kv": Function(special.kv, MONOTONE, (2, 2, 1), 2.52e-5, 1.67e-4),
    "iv": Function(special.iv, MONOTONE, (2, 4, 3, 2, 1, 1), 9.28e-3, 1.07e-2),
    "lpmv0": Function(legendre(0), DEGREE, (2, 2, 1), 5.25e-5, 1.74e-2),
    "lpmv1": Function(legendre(1), DEGREE, (2, 4, 1), 6.90e-4, 1.50e-3),
    "lpmv2": Function(legendre(2), DEGREE, (2, 3, 2, 1), 2.26e-4, 9.43e-4),
    "sph01": Function(harmonic(0, 1), SPHERE, (2, 1, 1), 2.21e-7, 1.25e-6),
    "sph11": Function(harmonic(1, 1), SPHERE, (2, 3, 2, 1), 1.22e-4, 6.70e-4),
    "sph02": Function(harmonic(0, 2), SPHERE, (2, 1, 1), 1.95e-7, 2.85e-6),
    "sph12": Function(harmonic(1, 2), SPHERE, (2, 2, 1, 1), 1.50e-5, 1.84e-3),
    "sph22": Function(harmonic(2, 2), SPHERE, (2, 2, 3, 2, 1), 9.45e-5, 6.21e-4),
}


def measure(name: str, options: Namespace, seconds: float) -> None:
    f, ranges, shape = FUNCTIONS[name][:3]
    train, test = draw(f, ranges, ROWS, seed=0), draw(f, ranges, ROWS, seed=1)
    contest(options.out / "special", name, train, test, seconds, dict.fromkeys((*SHAPES, shape)), shape, options.contenders)


def table(options: Namespace) -> None:
    """Merge what the processes wrote."""
    found = measured(options.out / "special", FUNCTIONS)
    common.write(options.out / "special.csv", found)
    by = {(row["function"], row["contender"]): row for row in found}
    lines, better = [], 0
    for name, function in FUNCTIONS.items():
        rows = {c: by.get((name, c)) for c in CONTENDERS}
        if rows["ours"] is None:
            continue
        errors = {c: float(row["rmse"]) if row else float("nan") for c, row in rows.items()}
        better += errors["ours"] < errors["pykan"]
        ours = rows["ours"]
        domain = " x ".join(f"[{low:.3g}, {high:.3g}]" for low, high in function.ranges)
        lines.append(
            (name, domain, float(ours["deviation"]), *errors.values(), ours["shape"], ours["parameters"],
             function.paper_kan, function.paper_mlp, list(function.shape))
        )  # fmt: skip
    columns = ["function", "domain", "std", "ours", "pykan", "MLP", "MLP, LM", "our shape", "parameters",
               "paper: KAN", "paper: MLP", "paper's shape"]  # fmt: skip
    budgets = sorted({row["budget"] for row in found})
    common.show(f"Special functions, test RMSE after {', '.join(budgets)} s of one thread each", columns, lines)
    print(f"More accurate than pykan on {better} of {len(lines)}; the goal is {GOAL} of {len(FUNCTIONS)}.")


def main() -> None:
    options = arguments(__doc__, FUNCTIONS, seconds=60)
    common.say_where()
    names = options.only or (["sph01", "jv"] if options.quick else list(FUNCTIONS))
    for name in [] if options.table else names:
        measure(name, options, 3 if options.quick else options.seconds)
    table(options)


if __name__ == "__main__":
    main()
