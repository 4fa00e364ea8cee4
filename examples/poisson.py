"""Poisson's equation on a square: laplacian u = f, and u = 0 on the rim; the solution is sin(pi x) sin(pi y).

Run it with ``python examples/poisson.py``; it takes less than a minute and draws docs/images/poisson.png.
"""

from pathlib import Path

import torch

from edgewise.kan import KAN
from edgewise.physics import Course, Problem, Term, solve

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "poisson.png"


def solution(points):
    return torch.sin(torch.pi * points).prod(1)


def mesh(side: int):
    ticks = torch.linspace(-1, 1, side, dtype=torch.float64)
    return torch.cartesian_prod(ticks, ticks)


def main(side: int = 51, width=(2, 5, 1), degree: int = 5, grids=(5, 10, 20), steps: int = 20, picture=None) -> float:
    torch.manual_seed(0)
    points = mesh(side)
    rim = points[(points.abs() == 1).any(1)]
    source = -2 * torch.pi**2 * solution(points)
    problem = Problem(
        [
            Term("inside", points, lambda u: u.laplacian(), source, weight=0.01),
            Term("rim", rim, lambda u: u.value),
        ]
    )
    # The error falls as the grid to the power of degree - 1, for the equation holds two derivatives.
    model = KAN(list(width), grid=grids[0], k=degree).double()
    new = torch.rand(2000, 2, dtype=torch.float64) * 2 - 1
    course = solve(model, problem, test=(new, solution(new)), grids=grids, steps=steps)

    error = course.test_rmse[-1]
    size = solution(new).square().mean().sqrt().item()
    print(f"{model} in {course.seconds[-1]:.0f} s")
    print(f"error at new points: mean square {error**2:.1e}, root mean square {error:.1e}, relative {error / size:.1e}")
    if picture is not None:
        draw(model, course, picture)
    return error


def draw(model: KAN, course: Course, path: Path) -> None:
    from matplotlib.figure import Figure

    points = mesh(101)
    with torch.no_grad():
        values = model(points)[:, 0]
    figure = Figure(figsize=(11, 3.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    fields = (("u", values, "RdBu_r"), ("error", values - solution(points), "PuOr"))
    for axes, (name, shown, colours) in zip((left, middle), fields, strict=True):
        most = shown.abs().max().item()
        grid = shown.view(101, 101).T.numpy()
        image = axes.imshow(grid, cmap=colours, vmin=-most, vmax=most, extent=(-1, 1, -1, 1), origin="lower")
        figure.colorbar(image, ax=axes)
        axes.set(title=name, xlabel="x", ylabel="y")
    for name, values in course.terms.items():
        right.semilogy([value**0.5 for value in values], label=f"residual {name}")
    right.semilogy(course.test_rmse, "k", label="error")
    for step in range(1, len(course)):
        if course.grid[step] != course.grid[step - 1]:
            right.axvline(step - 0.5, color="0.8", zorder=0)
            right.text(step, right.get_ylim()[1], f" grid {course.grid[step]}", va="top", color="0.5")
    right.set(title="root mean squares", xlabel="step")
    right.legend(loc="lower left")
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    main(picture=PICTURE)
