"""Poisson's equation on a square, beside pykan: ``python -m benchmarks.science.poisson``.

laplacian u = f on [-1, 1]^2 and u = 0 on its rim, with the solution sin(pi x) sin(pi y): 51 x 51 points, float64, the loss
0.01 (equation) + (rim), grids of 5, 10, 20 intervals. pykan by the procedure of its example: L-BFGS, the grid moved every
fifth step, in its fast mode, the Laplacian by autograd, which is quicker than the Hessian matrices of the example. Ours by
Levenberg-Marquardt, with pykan's shape and degree and with those of ``examples/poisson.py``. Errors at 2000 new points.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.science import common
from benchmarks.science.common import Clock, Result, Samples, rmse
from benchmarks.science.pykan import NoPykan, count, pykan, refined
from edgewise.kan import KAN
from edgewise.physics import Problem, Term, solve

WEIGHT = 0.01  # of the equation
GRIDS = (5, 10, 20)
MOVED = range(0, 50, 5)  # steps before which pykan's grid moves


def solution(points: Tensor) -> Tensor:
    return torch.sin(torch.pi * points).prod(1)


def source(points: Tensor) -> Tensor:
    return -2 * torch.pi**2 * solution(points)


def mesh(side: int) -> tuple[Tensor, Tensor]:
    """All points of a mesh, and those on the rim."""
    ticks = torch.linspace(-1, 1, side, dtype=torch.float64)
    points = torch.cartesian_prod(ticks, ticks)
    return points, points[(points.abs() == 1).any(1)]


def new_points() -> Samples:
    x = torch.rand(2000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return Samples(x, solution(x).unsqueeze(1))


def ours(width: list[int], degree: int, side: int, steps: int, grids=GRIDS) -> Result:
    points, rim = mesh(side)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        clock, model = Clock(), KAN(width, grid=grids[0], k=degree).double()
    problem = Problem([
        Term("inside", points, lambda u: u.laplacian(), source(points), weight=WEIGHT),
        Term("rim", rim, lambda u: u.value),
    ])  # fmt: skip
    result = Result(f"ours, degree {degree}", shape=str(width))

    def note(*_) -> None:
        with clock.stopped():
            result.trail.append((clock.spent, common.count(model), rmse(model, new_points())))

    solve(model, problem, grids=grids, steps=steps, callback=note, progress=False)
    result.rmse, result.parameters, result.seconds = result.trail[-1][2], common.count(model), clock.spent
    return result


def laplacian(model: nn.Module, points: Tensor) -> Tensor:
    x = points.detach().requires_grad_()
    (slopes,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
    seconds = [torch.autograd.grad(slope.sum(), x, create_graph=True)[0][:, i] for i, slope in enumerate(slopes.unbind(1))]
    return sum(seconds)


def theirs(width: list[int], side: int, steps: int, grids=GRIDS) -> Result:
    points, rim = mesh(side)
    wanted, result = source(points), Result("pykan, degree 3", shape=str(width))
    try:
        with pykan() as kan:
            clock = Clock()
            model = kan.KAN(width=list(width), grid=grids[0], k=3, seed=1, auto_save=False)
            for place, grid in enumerate(grids):
                model(points)  # from which it refines
                model = (refined(model, grid) if place else model).speed()
                descend(kan, model, lambda m=model: loss(m, points, rim, wanted), points, steps, clock, result)
            result.parameters, result.seconds = count(model), clock.spent
    except NoPykan as reason:
        result.note = str(reason)
    return result


def loss(model: nn.Module, points: Tensor, rim: Tensor, wanted: Tensor) -> Tensor:
    return WEIGHT * (laplacian(model, points) - wanted).square().mean() + model(rim).square().mean()


def descend(
    kan, model: nn.Module, objective: Callable[[], Tensor], points: Tensor, steps: int, clock: Clock, result: Result
) -> None:
    """pykan's L-BFGS, as many steps on one grid; of its errors the least counts."""
    options = {"history_size": 10, "line_search_fn": "strong_wolfe", "tolerance_ys": 1e-32}
    optimizer = kan.LBFGS(model.parameters(), lr=1, tolerance_grad=1e-32, tolerance_change=1e-32, **options)

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = objective()
        value.backward()
        return value

    for step in range(steps):
        if step in MOVED:
            model.update_grid_from_samples(points)
        optimizer.step(closure)
        with clock.stopped():
            error = rmse(model, new_points())
            result.trail.append((clock.spent, count(model), error))
            result.rmse = min(result.rmse, error)


def main() -> None:
    def add(parser):
        about = "hidden nodes of pykan's network; 2 in its example, 10 in the paper"
        parser.add_argument("--width", type=int, default=2, help=about)
        parser.add_argument("--steps", type=int, default=20, help="of Levenberg-Marquardt on each grid")
        parser.add_argument("--pykan-steps", type=int, default=50, help="of L-BFGS on each grid; 0 leaves pykan out")

    options = common.arguments(__doc__, add)
    common.say_where()
    width = [2, 2 if options.quick else options.width, 1]
    side, steps, many = (11, 3, 2) if options.quick else (51, options.steps, options.pykan_steps)
    grids = GRIDS[:1] if options.quick else GRIDS
    races = [lambda: ours([2, 5, 1], 5, side, steps, grids), lambda: ours(width, 3, side, steps, grids)]
    races += [lambda: theirs(width, side, many, grids)] if many else []
    results = []
    for race in races:
        results.append(race())
        print(results[-1].row(), flush=True)
    size = new_points().y.square().mean().sqrt().item()
    common.write(options.out / "poisson.csv", [{**r.row(), "relative": r.rmse / size} for r in results])
    columns = ("", "network", "parameters", "RMSE", "mean square", "relative L2", "seconds")
    lines = [(r.contender, r.shape, r.parameters, r.rmse, r.rmse**2, r.rmse / size, r.seconds) for r in results]
    common.show(f"Poisson's equation, {side} x {side} points", columns, lines)
    with common.figure(options, "poisson-pykan", figsize=(5, 3.6)) as figure:
        axes = figure.add_subplot(xscale="log", yscale="log", xlabel="seconds", ylabel="root mean square error")
        for r in results:
            axes.plot([s for s, _, _ in r.trail], [e for _, _, e in r.trail], label=f"{r.contender}, {r.shape}")
        axes.legend()


if __name__ == "__main__":
    main()
