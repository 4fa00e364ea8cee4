"""Laws beside other solvers: ``python -m benchmarks.science.references [--only hunters heat cavity]``.

Hunters and prey, x' = 1.5 x - x y, y' = -3 y + x y, to T = 10 from three starts, in windows of time, beside scipy's DOP853
at 1e-12. A rod, u_t = D u_xx + s(x) from 0 with cold ends, whose D = 0.1 and whose source s, a bump of width 0.12, are both
unknown: from 200 values of u within it, exact and with noise of 1 % of their spread, beside the method of lines on
401 places (scipy's BDF at 1e-9) and the true s. Flow in a square under a lid (Re = 100) as stream function and vorticity,
beside the values on the centre lines of U. Ghia, K. N. Ghia and C. T. Shin, J. Comput. Phys. 48, 1982.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.science import common
from benchmarks.science.common import Clock, Result
from edgewise.kan import KAN
from edgewise.physics import Box, Field, Problem, Separable, Term, march, solve, standard_errors

DIFFUSION = 0.1
REYNOLDS = 100.0
# places along a centre line, and the velocity across it there
UPRIGHT = """1 1 .9766 .84123 .9688 .78871 .9609 .73722 .9531 .68717 .8516 .23151 .7344 .00332 .6172 -.13641 .5 -.20581
.4531 -.21090 .2813 -.15662 .1719 -.10150 .1016 -.06434 .0703 -.04775 .0625 -.04192 .0547 -.03717 0 0"""
LEVEL = """1 0 .9688 -.05906 .9609 -.07391 .9531 -.08864 .9453 -.10313 .9063 -.16914 .8594 -.22445 .8047 -.24533 .5 .05454
.2344 .17527 .2266 .17507 .1563 .16077 .0938 .12317 .0781 .10890 .0703 .10091 .0625 .09233 0 0"""


def hunters(quick: bool) -> Iterator[Result]:
    from scipy.integrate import solve_ivp

    def law(u: Field) -> Tensor:
        x, y = u[0], u[1]
        return torch.stack([x.d(0) - x.value * (1.5 - y.value), y.d(0) - y.value * (x.value - 3)], 1)

    def window(low: float, high: float, start: Callable[[Tensor], Tensor]) -> Problem:
        t = torch.linspace(low, high, 60).double().unsqueeze(1)
        begin = Term("start", t[:1], lambda u: u.outputs, start(t[:1]), weight=1000.0)
        return Problem([Term("law", t, law, weight=1.0), begin])

    span, times = (1, [0, 0.25, 0.5, 1]) if quick else (10, np.linspace(0, 10, 41))
    for first in ([2.0, 1.0], [1.0, 1.0], [10.0, 5.0]):
        torch.manual_seed(0)
        clock, model = Clock(), KAN([1, 2], base=None, grid=10, k=5).double()
        begin = torch.tensor([first]).double()
        u = march(model, times, window, lambda t, begin=begin: begin.expand(len(t), 2), steps=30, progress=False)
        seconds, t = clock.spent, np.linspace(0, span, 2001)
        motion = solve_ivp(
            lambda _, y: [y[0] * (1.5 - y[1]), y[1] * (y[0] - 3)],
            (0, span),
            first,
            method="DOP853",
            t_eval=t,
            rtol=1e-12,
            atol=1e-12,
        ).y.T
        error = relative(u(torch.tensor(t).unsqueeze(1)).detach().numpy(), motion)
        yield Result(f"hunters from {first}", error, f"{len(times) - 1} windows", common.count(model), seconds)


class Rod(nn.Module):
    """A temperature, and what is not known of its law."""

    def __init__(self):
        super().__init__()
        self.net = Separable(2, rank=4, grid=(16, 12))
        self.source = KAN([1, 1], base=None, grid=12, k=5)
        self.diffusion = nn.Parameter(torch.tensor(0.3))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def bump(x: np.ndarray) -> np.ndarray:
    return 3 * np.exp(-(((x - 0.35) / 0.12) ** 2))


def lines(points: np.ndarray, cells: int = 400) -> np.ndarray:
    """The temperature of the rod at points (x, t), by the method of lines."""
    from scipy.integrate import solve_ivp
    from scipy.interpolate import CubicSpline
    from scipy.sparse import diags

    x = np.linspace(0, 1, cells + 1)
    spread = DIFFUSION * cells**2 * diags([1, -2, 1], [-1, 0, 1], shape=(cells - 1, cells - 1), dtype=float)
    source, cold = bump(x[1:-1]), np.zeros(cells - 1)
    found = solve_ivp(
        lambda _, u: spread @ u + source, (0, 1), cold, method="BDF", jac=spread, rtol=1e-9, atol=1e-11, dense_output=True
    )
    return np.array([CubicSpline(x, np.pad(found.sol(t), 1))(place) for place, t in points])


def heat(quick: bool) -> Iterator[Result]:
    box, seeds = Box([0, 0], [1, 1]), range(1 if quick else 3)
    ends = torch.cat([box.face(0, end, 40) for end in ("low", "high")])
    for noise in (0.0, 0.01):
        for seed in seeds:
            torch.manual_seed(seed)
            seen = box.inside(200, seed=10 + seed)
            exact = torch.tensor(lines(seen.numpy()))
            measured = exact + noise * exact.std() * torch.randn(len(exact)).double()
            clock, model = Clock(), Rod().double()
            terms = [
                Term(
                    "law",
                    box.inside(1200, seed=3),
                    lambda u, model=model: u.d(1) - model.diffusion * u.d(0, 0) - model.source(u.x[:, :1])[:, 0],
                    weight=1.0,
                ),
                Term("start", box.face(1, "low", 40), lambda u: u.value, weight=1e3),
                Term("ends", ends, lambda u: u.value, weight=1e3),
                Term("measured", seen, lambda u: u.value, measured, weight=1e2 if noise else 1e4),
            ]
            problem = Problem(terms)
            solve(model, problem, steps=3 if quick else 40, progress=False)
            error, seconds = float(standard_errors(model, problem, ["measured"])["diffusion"]), clock.spent
            x = np.linspace(0, 1, 201)
            source = model.source(torch.tensor(x).unsqueeze(1))[:, 0].detach().numpy()
            said = f"D {model.diffusion.item():.5f} +- {error:.5f}"
            yield Result(f"source, noise {noise:.0%}", relative(source, bump(x)), said, common.count(model), seconds)


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def cavity(quick: bool) -> Iterator[Result]:
    """Stream function p and vorticity w, with u = dp/dy and v = -dp/dx."""
    torch.manual_seed(0)
    count, rim, grid, rank, steps = (150, 20, 6, 2, 2) if quick else (2500, 150, 24, 12, 60)
    box, clock = Box([0, 0], [1, 1]), Clock()
    lid, bottom = (denser(box.face(1, end, rim)) for end in ("high", "low"))
    sides = denser(torch.cat([box.face(0, end, rim) for end in ("low", "high")]))

    def law(u: Field) -> Tensor:
        p, w, (x, y) = u[0], u[1], u.x.unbind(1)
        corners = ((x**2 + (1 - y) ** 2) * ((1 - x) ** 2 + (1 - y) ** 2)).sqrt()  # where w has no bound
        carried = p.d(1) * w.d(0) - p.d(0) * w.d(1)
        both = torch.stack([p.laplacian() + w.value, w.laplacian() / REYNOLDS - carried], 1)
        return (corners / (corners + 0.05)).unsqueeze(1) * both

    def still(column: int, speed: float) -> Callable[[Field], Tensor]:
        return lambda u: torch.stack([10 * u[0].value, u[0].d(column) - speed], 1)

    rims = (("lid", lid, still(1, 1.0)), ("bottom", bottom, still(1, 0.0)), ("sides", sides, still(0, 0.0)))
    terms = [Term("law", denser(box.inside(count)), law, weight=1.0)]
    terms += [Term(name, points, operator, weight=10.0) for name, points, operator in rims]
    model = Separable(2, rank=rank, outputs=2, grid=grid).double()
    solve(model, Problem(terms), steps=steps, progress=False)
    for name, table, column, sign in (("u on x = 1/2", UPRIGHT, 1, 1), ("v on y = 1/2", LEVEL, 0, -1)):
        place, speed = torch.tensor([float(number) for number in table.split()]).double().view(-1, 2).unbind(1)
        half = torch.full_like(place, 0.5)
        flow = Field(model, torch.stack([half, place] if column else [place, half], 1))
        off = float((sign * flow[0].d(column) - speed).abs().max().detach())
        yield Result(f"cavity, largest error of {name}", off, f"rank {rank}, grid {grid}", common.count(model), clock.spent)


def denser(x: Tensor) -> Tensor:
    """Points of the unit square, drawn towards its sides."""
    return (1 - torch.cos(torch.pi * x)) / 2


CASES = {"hunters": hunters, "heat": heat, "cavity": cavity}


def add(parser: ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES), help="some of the laws")


def main() -> None:
    options = common.arguments(__doc__, add)
    common.say_where()
    results = []
    for name in options.only:
        for result in CASES[name](options.quick):
            print(result.row(), flush=True)
            results.append(result)
    common.report(options, "references", "Laws beside other solvers", ("", "", "parameters", "error", "seconds"), results)


if __name__ == "__main__":
    main()
