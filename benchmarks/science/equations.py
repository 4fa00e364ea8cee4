"""Equations with short waves, two networks and a plain PINN: ``python -m benchmarks.science.equations``.

Helmholtz, laplacian u + u = f on [-1, 1]^2 with u = sin(pi x) sin(4 pi y); the wave equation u_tt = 4 u_xx on [0, 1]^2
with u = sin(pi x) cos(2 pi t) + sin(4 pi x) cos(8 pi t) / 2. Points are those of a Sobol sequence. The plain PINN is a
network of tanh, 3 layers of 50, by Adam and then L-BFGS, for as many seconds of the processor as the slower of the two
others took. Errors are relative, in L2, at 2000 new points.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.science import common
from benchmarks.science.common import Clock, Result
from edgewise.kan import KAN
from edgewise.physics import Problem, Separable, Term, solve

pi = math.pi


class Case(NamedTuple):
    """A problem, its solution, and points at which that is compared."""

    name: str
    problem: Problem
    exact: Callable[[Tensor], Tensor]
    new: Tensor

    def error(self, model: nn.Module) -> float:
        with torch.no_grad():
            return float((model(self.new)[:, 0] - self.exact(self.new)).norm() / self.exact(self.new).norm())


def points(count: int, seed: int) -> Tensor:
    return torch.quasirandom.SobolEngine(2, scramble=True, seed=seed).draw(count, dtype=torch.double)


def helmholtz(count: int, rim: int) -> Case:
    def exact(p: Tensor) -> Tensor:
        return torch.sin(pi * p[:, 0]) * torch.sin(4 * pi * p[:, 1])

    x, s = 2 * points(count, 0) - 1, torch.linspace(-1, 1, rim).double()
    one = torch.ones_like(s)
    edge = torch.cat([torch.stack(pair, 1) for pair in ((s, one), (s, -one), (one, s), (-one, s))])
    inside = Term("inside", x, lambda u: u.laplacian() + u.value, (1 - 17 * pi**2) * exact(x))
    return Case("Helmholtz", Problem([inside, Term("rim", edge, lambda u: u.value)]), exact, 2 * points(2000, 1) - 1)


def wave(count: int, rim: int) -> Case:
    def exact(p: Tensor) -> Tensor:
        first = torch.sin(pi * p[:, 0]) * torch.cos(2 * pi * p[:, 1])
        return first + torch.sin(4 * pi * p[:, 0]) * torch.cos(8 * pi * p[:, 1]) / 2

    x, s = points(count, 0), torch.linspace(0, 1, rim).double()
    start, one = torch.stack([s, 0 * s], 1), torch.ones_like(s)
    ends = torch.cat([torch.stack([0 * s, s], 1), torch.stack([one, s], 1)])
    terms = [
        Term("inside", x, lambda u: u.d(1, 1) - 4 * u.d(0, 0)),
        Term("start", start, lambda u: u.value, exact(start)),
        Term("rest", start, lambda u: u.d(1)),
        Term("ends", ends, lambda u: u.value),
    ]
    return Case("wave", Problem(terms), exact, points(2000, 1))


def ours(case: Case, name: str, model: nn.Module, grids: tuple[int, ...], steps: int) -> Result:
    clock = Clock()
    solve(model, case.problem, grids=grids, steps=steps, progress=False)
    return Result(f"{case.name}, {name}", case.error(model), str(grids), common.count(model), clock.spent)


def plain(case: Case, seconds: float) -> Result:
    layers = [nn.Linear(2, 50), nn.Tanh(), nn.Linear(50, 50), nn.Tanh(), nn.Linear(50, 50), nn.Tanh(), nn.Linear(50, 1)]
    model, clock = nn.Sequential(*layers).double(), Clock(seconds)

    for rest, optimizer, rate in ((0.3 * seconds, "adam", 1e-3), (0.0, "lbfgs", None)):

        def stop(*_, rest: float = rest) -> None:
            if clock.left < rest:
                raise KeyboardInterrupt  # which leaves the last whole step

        solve(model, case.problem, optimizer=optimizer, lr=rate, steps=100_000, callback=stop, progress=False)
    return Result(f"{case.name}, tanh", case.error(model), "[2, 50, 50, 50, 1]", common.count(model), clock.spent)


def main() -> None:
    options = common.arguments(__doc__)
    common.say_where()
    count, rim, steps = (200, 21, 2) if options.quick else (2601, 153, 15)
    results = []
    for case in (helmholtz(count, rim), wave(count, rim)):
        torch.manual_seed(0)
        coarse = (4, 6) if options.quick else (20, 40)
        found = [
            ours(case, "separable", Separable(2, rank=4, grid=coarse[0]).double(), coarse, steps),
            ours(
                case, "KAN [2, 5, 1]", KAN([2, 5, 1], grid=coarse[0] // 2, k=5).double(), (coarse[0] // 2, *coarse), steps
            ),
        ]
        found.append(plain(case, max(result.seconds for result in found)))
        results += found
        print(*(result.row() for result in found), sep="\n", flush=True)
    common.report(
        options, "equations", "Equations with short waves", ("", "grids", "parameters", "relative L2", "seconds"), results
    )


if __name__ == "__main__":
    main()
