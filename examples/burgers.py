"""Burgers' equation, u_t + u u_x = nu u_xx from u = -sin(pi x): a wave that steepens to a front of a hundredth's width.

Cole and Hopf's formula gives the solution. It is odd in x, so half of the interval is enough, with u = 0 at both ends. The
viscosity is lowered, and the grid refined, in stages; each draws its points where the one before failed.

Run it with ``python examples/burgers.py``; it takes a minute or two and draws docs/images/burgers.png.
"""

from pathlib import Path

import numpy as np
import torch

from edgewise.bases import BSpline
from edgewise.kan import KAN
from edgewise.physics import Problem, Term, solve

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "burgers.png"


def cole_hopf(x, t, viscosity: float, nodes: int = 100):
    """The solution, by Gauss-Hermite quadrature (J. Cole, Q. Appl. Math. 9, 1951; E. Hopf, CPAM 3, 1950)."""
    place, weight = np.polynomial.hermite.hermgauss(nodes)
    y = np.asarray(x)[..., None] - 2 * np.sqrt(viscosity * np.asarray(t))[..., None] * place
    exponent = -np.cos(np.pi * y) / (2 * np.pi * viscosity)
    density = weight * np.exp(exponent - exponent.max(-1, keepdims=True))
    return -(np.sin(np.pi * y) * density).sum(-1) / density.sum(-1)


def problem(inside, viscosity: float) -> Problem:
    ticks = torch.linspace(0, 1, 101, dtype=torch.float64)
    start = torch.stack([ticks, 0 * ticks], 1)
    ends = torch.cat([torch.stack([end + 0 * ticks, ticks], 1) for end in (0, 1)])
    return Problem(
        [
            Term("equation", inside, lambda u: u.d(1) + u.value * u.d(0) - viscosity * u.d(0, 0)),
            Term("start", start, lambda u: u.value, -torch.sin(torch.pi * ticks), weight=10),
            Term("ends", ends, lambda u: u.value, weight=10),
        ]
    )


def where_it_fails(model: KAN, viscosity: float, count: int):
    """Points drawn half evenly, half in proportion to the residual (Wu et al., arXiv:2207.10289)."""
    equation, *_ = problem(torch.rand(10 * count, 2, dtype=torch.float64), viscosity).terms
    residual = torch.cat([part.residual(model).detach().abs() for part in equation.split(count)])
    return equation.points[torch.multinomial(residual / residual.mean() + 1, count)]


def main(
    viscosity: float = 0.01 / np.pi,
    width=(2, 5, 5, 1),
    stages=((10, 5), (4, 5), (2, 10), (1, 10), (1, 20)),  # times the viscosity, and intervals of the grid
    points: int = 2000,
    steps: int = 12,
    picture=None,
) -> float:
    torch.manual_seed(0)
    # Splines that fall to zero beyond their grid: here they find the front more often than straight ones.
    model = KAN(list(width), BSpline(outside="zero"), grid=stages[0][1], k=4).double()
    x, t = np.meshgrid(np.linspace(0, 1, 101), np.linspace(0, 1, 51), indexing="ij")
    exact = cole_hopf(x, t, viscosity)
    test = torch.tensor(np.stack([x.ravel(), t.ravel()], 1)), torch.tensor(exact.ravel())
    inside, seconds = torch.rand(points, 2, dtype=torch.float64), 0.0
    for stage, (factor, grid) in enumerate(stages):
        if stage:
            inside = where_it_fails(model, stages[stage - 1][0] * viscosity, points)
        course = solve(model, problem(inside, factor * viscosity), test=test, grids=[grid], steps=steps)
        seconds += course.seconds[-1]
    error = course.test_rmse[-1] / np.sqrt(np.square(exact).mean())
    print(f"{model} in {seconds:.0f} s: relative error {error:.1e}")
    if picture is not None:
        draw(model, viscosity, inside, picture)
    return error


def draw(model: KAN, viscosity: float, inside, path: Path) -> None:
    from matplotlib.figure import Figure

    def u(x, t):  # odd in x
        with torch.no_grad():
            rows = torch.tensor(np.stack([np.abs(x).ravel(), t.ravel()], 1))
            return np.sign(x) * model(rows)[:, 0].numpy().reshape(x.shape)

    figure = Figure(figsize=(11, 3.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    x, t = np.meshgrid(np.linspace(-1, 1, 401), np.linspace(0, 1, 101), indexing="ij")
    image = left.imshow(u(x, t), cmap="RdBu_r", extent=(0, 1, -1, 1), origin="lower", aspect="auto")
    figure.colorbar(image, ax=left)
    left.plot(inside[:, 1], inside[:, 0], ".", color="k", markersize=1, alpha=0.4)
    left.set(title="u, and points of the last stage", xlabel="t", ylabel="x")
    line = np.linspace(-1, 1, 801)
    for time, colour in ((0.0, "0.7"), (0.25, "tab:blue"), (0.5, "tab:green"), (0.99, "tab:red")):
        moment = np.full_like(line, time)
        middle.plot(line, cole_hopf(line, moment, viscosity), color=colour, label=f"t = {time}")
        middle.plot(line[::20], u(line, moment)[::20], "o", color=colour, markersize=3)
    middle.set(title="formula (lines) and network (dots)", xlabel="x")
    middle.legend()
    image = right.imshow(
        u(x, t) - cole_hopf(x, t, viscosity), cmap="PuOr", extent=(0, 1, -1, 1), origin="lower", aspect="auto"
    )
    figure.colorbar(image, ax=right)
    right.set(title="error", xlabel="t", ylabel="x")
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    main(picture=PICTURE)
