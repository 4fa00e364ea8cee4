"""Ever finer grids without a restart: ``python -m benchmarks.science.extension``.

exp(sin(pi x) + y^2) by a [2, 1, 1] network on 3000 rows in float64, grids of 3 to 100 intervals, each fit going on from the
one before. Cubic splines allow G^-4 (Liu et al., arXiv:2404.19756, theorem 2.1). pykan: its refine and L-BFGS.
"""

from statistics import median

import numpy as np
import torch

from benchmarks.science import common
from benchmarks.science.common import Clock, Samples, draw, rmse
from benchmarks.science.pykan import GRIDS, NoPykan, dataset, pykan, refined
from benchmarks.science.symbolic import toy
from edgewise.bases import BSpline
from edgewise.kan import KAN


def ours(train: Samples, test: Samples, seed: int, starts: int) -> list[tuple[int, float, float]]:
    torch.manual_seed(seed)
    basis = BSpline(GRIDS[0], outside="linear")  # a few test rows lie beyond all training rows
    clock, model, trail = Clock(), KAN([2, 1, 1], basis).double(), []
    for place, grid in enumerate(GRIDS):
        model.fit(train, optimizer="lm", steps=40, grids=(grid,), starts=1 if place else starts, progress=False)
        trail.append((grid, rmse(model, test), clock.spent))
    return trail


def theirs(train: Samples, test: Samples, seed: int, steps: int) -> list[tuple[int, float, float]]:
    trail = []
    try:
        with pykan() as kan:
            clock, model = Clock(), kan.KAN(width=[2, 1, 1], grid=GRIDS[0], k=3, seed=seed, auto_save=False)
            for place, grid in enumerate(GRIDS):
                model = refined(model, grid) if place else model
                model.fit(dataset(train, test), opt="LBFGS", steps=steps)
                trail.append((grid, rmse(model, test), clock.spent))
    except NoPykan as reason:
        print(reason)
    return trail


def slope(trails: list[list[tuple[int, float, float]]]) -> float:
    """Of the logarithm of the median error over that of the number of intervals."""
    errors = [median(values) for values in zip(*([e for _, e, _ in t] for t in trails), strict=True)]
    return float(np.polyfit(np.log(GRIDS), np.log(errors), 1)[0])


def main() -> None:
    def add(parser):
        parser.add_argument("--seeds", type=int, default=5)
        parser.add_argument("--starts", type=int, default=6, help="of the coarsest grid; the best goes on")
        parser.add_argument("--pykan-seeds", type=int, default=1)
        parser.add_argument("--pykan-steps", type=int, default=20, help="of L-BFGS on each grid")

    options = common.arguments(__doc__, add)
    common.say_where()
    seeds = 1 if options.quick else options.seeds
    data = [[draw(toy, ((-1, 1),) * 2, 3000, s + shift) for shift in (300, 400)] for s in range(seeds)]
    mine = [ours(*pair, seed, options.starts) for seed, pair in enumerate(data)]
    few = 0 if options.quick else min(options.pykan_seeds, seeds)
    pykans = [trail for seed in range(few) if (trail := theirs(*data[seed], seed, options.pykan_steps))]
    rows = []
    for place, grid in enumerate(GRIDS):
        own, other = [t[place] for t in mine], [t[place] for t in pykans]
        rows.append({
            "G": grid, "ours": median(e for _, e, _ in own), "best": min(e for _, e, _ in own),
            "worst": max(e for _, e, _ in own), "seconds": median(s for _, _, s in own),
            "pykan": median(e for _, e, _ in other) if other else float("nan"),
            "pykan's seconds": median(s for _, _, s in other) if other else float("nan"),
        })  # fmt: skip
    common.write(options.out / "extension.csv", rows)
    common.show(f"Test RMSE as the grid grows, {seeds} seeds", list(rows[0]), [list(row.values()) for row in rows])
    print(f"slope of the median: {slope(mine):.2f}" + (f"; pykan's: {slope(pykans):.2f}" if pykans else ""))
    with common.figure(options, "extension", figsize=(5, 3.6)) as figure:
        axes = figure.add_subplot(xscale="log", yscale="log", xlabel="intervals G", ylabel="test RMSE")
        for trail in mine:
            axes.plot(GRIDS, [e for _, e, _ in trail], color="C0", alpha=0.5)
        for trail in pykans:
            axes.plot(GRIDS, [e for _, e, _ in trail], color="C1")
        for power in (3, 4):
            axes.plot(GRIDS, [0.02 * (3 / g) ** power for g in GRIDS], color="grey", linestyle=":", linewidth=0.8)
            axes.text(GRIDS[-1], 0.02 * (3 / GRIDS[-1]) ** power, f" G$^{{-{power}}}$", va="center", color="grey")
        axes.plot([], [], color="C0", label="ours")
        axes.plot([], [], color="C1", label="pykan 0.2.8")
        axes.legend()


if __name__ == "__main__":
    main()
