"""Allen-Cahn and Burgers in windows of time, beside a plain PINN: ``python -m benchmarks.science.fronts``.

Allen-Cahn, u_t = 1e-4 u_xx + 5 u - 5 u^3 on a ring from x^2 cos(pi x), beside Fourier's method with 2048 points and scipy's
integrator; Burgers, u_t + u u_x = 0.01/pi u_xx from -sin(pi x), beside the formula of Cole and Hopf. The plain PINN is a
network of tanh, 4 layers of 50, by Adam and then L-BFGS, at all times at once, for as many seconds of the processor. Errors
are relative, in L2, on a lattice of 256 places and 101 times.
"""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.science import common
from benchmarks.science.common import Clock, Result
from edgewise.physics import Box, Field, Problem, Separable, Term, around, march, solve

VISCOSITY = 0.01 / math.pi
PLACES, TIMES = -1 + 2 * np.arange(256) / 256, np.linspace(0, 1, 101)


class Case(NamedTuple):
    """An equation on [-1, 1] for a time of 1, and how it is solved in windows."""

    name: str
    law: Callable[[Field], Tensor]
    start: Callable[[Tensor], Tensor]
    ring: bool
    reference: Callable[[], np.ndarray]  # (places, times)
    windows: int
    grid: int

    def window(self, low: float, high: float, start: Callable[[Tensor], Tensor], points: int) -> Problem:
        box = Box([-1, low], [1, high])
        begin = partial(box.face, 1, "low")
        left, right = (box.face(0, end, 30) for end in ("low", "high"))
        rim = Term("ends", torch.cat([left, right]), lambda u: u.value)
        if self.ring:
            rim = Term("round", left, lambda u: around(u, 0, 2.0))
        law = Term("law", box.inside(points), self.law, draw=box.inside)
        return Problem(
            [law, Term("start", begin(points // 5), lambda u: u.value - start(u.x).flatten(), weight=1e3, draw=begin), rim]
        )

    def error(self, model: nn.Module) -> float:
        x, t = np.meshgrid(PLACES, TIMES, indexing="ij")
        with torch.no_grad():
            found = model(torch.tensor(np.stack([x.ravel(), t.ravel()], 1)))[:, 0].numpy().reshape(x.shape)
        expected = self.reference()
        return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def allen_cahn() -> np.ndarray:
    from scipy.integrate import solve_ivp

    count = 2048
    x = -1 + 2 * np.arange(count) / count
    squares = (np.pi * np.fft.rfftfreq(count, 1 / count)) ** 2

    def rate(_, u: np.ndarray) -> np.ndarray:
        return np.fft.irfft(-1e-4 * squares * np.fft.rfft(u), count) + 5 * u - 5 * u**3

    found = solve_ivp(rate, (0, 1), x**2 * np.cos(np.pi * x), t_eval=TIMES, method="DOP853", rtol=1e-9, atol=1e-10)
    return found.y[:: count // len(PLACES)]


def cole_hopf(nodes: int = 100) -> np.ndarray:
    x, t = np.meshgrid(PLACES, TIMES, indexing="ij")
    place, weight = np.polynomial.hermite.hermgauss(nodes)
    y = x[..., None] - 2 * np.sqrt(VISCOSITY * t)[..., None] * place
    exponent = -np.cos(np.pi * y) / (2 * np.pi * VISCOSITY)
    density = weight * np.exp(exponent - exponent.max(-1, keepdims=True))
    return -(np.sin(np.pi * y) * density).sum(-1) / density.sum(-1)


CASES = [
    Case(
        "Allen-Cahn",
        lambda u: u.d(1) - 1e-4 * u.d(0, 0) - 5 * u.value + 5 * u.value**3,
        lambda x: x[:, 0] ** 2 * torch.cos(math.pi * x[:, 0]),
        ring=True,
        reference=allen_cahn,
        windows=8,
        grid=80,
    ),
    Case(
        "Burgers",
        lambda u: u.d(1) + u.value * u.d(0) - VISCOSITY * u.d(0, 0),
        lambda x: -torch.sin(math.pi * x[:, 0]),
        ring=False,
        reference=cole_hopf,
        windows=20,
        grid=100,
    ),
]


def ours(case: Case, points: int, steps: int, windows: int) -> Result:
    torch.manual_seed(0)
    clock, model = Clock(), Separable(2, rank=6, grid=(case.grid, 1)).double()
    window = partial(case.window, points=points)
    times = torch.linspace(0, 1, windows + 1)
    u = march(model, times, window, case.start, steps=steps, grid_updates=2, progress=False)
    shape = f"{windows} windows of {case.grid}"
    return Result(f"{case.name}, windows", case.error(u), shape, common.count(model), clock.spent)


def plain(case: Case, points: int, seconds: float) -> Result:
    torch.manual_seed(0)
    clock, widths = Clock(seconds), (2, 50, 50, 50, 50)
    layers = [part for pair in pairwise(widths) for part in (nn.Linear(*pair), nn.Tanh())]
    model = nn.Sequential(*layers, nn.Linear(50, 1)).double()
    rim = {"round": 1.0} if case.ring else {"ends": 100.0}
    problem = case.window(0.0, 1.0, case.start, points).weighted({"start": 100.0, "law": 1.0, **rim})

    for rest, optimizer, rate in ((0.3 * seconds, "adam", 1e-3), (0.0, "lbfgs", None)):

        def stop(*_, rest: float = rest) -> None:
            if clock.left < rest:
                raise KeyboardInterrupt  # which leaves the last whole step

        solve(model, problem, optimizer=optimizer, lr=rate, steps=100_000, grid_updates=0, callback=stop, progress=False)
    return Result(f"{case.name}, tanh", case.error(model), str([*widths, 1]), common.count(model), clock.spent)


def main() -> None:
    options = common.arguments(__doc__)
    common.say_where()
    results = []
    for case in CASES:
        points, steps, windows = (200, 2, 2) if options.quick else (1500, 12 if case.ring else 8, case.windows)
        results.append(ours(case, points, steps, windows))
        results.append(plain(case, 2 * points, results[-1].seconds))
        print(*(result.row() for result in results[-2:]), sep="\n", flush=True)
    common.report(options, "fronts", "Fronts", ("", "shape", "parameters a window", "relative L2", "seconds"), results)


if __name__ == "__main__":
    main()
