"""From a table to a formula, beside pykan's five steps: ``python -m benchmarks.science.symbolic``.

exp(sin(pi x) + y^2) on 1000 rows of [-1, 1]^2 in float64; for each seed a sparse fit, pruning, a finer grid, formulas on
all edges, a joint refit. pykan takes the steps of its own tutorial. Seconds are of the processor, one thread.
"""

from collections.abc import Callable
from statistics import median

import numpy as np
import torch

from benchmarks.science import common
from benchmarks.science.common import Clock, Result, Samples, draw, rmse
from benchmarks.science.pykan import NoPykan, dataset, pykan, refined
from edgewise.kan import KAN
from edgewise.kan.interpret import prune, refine

TUTORIAL = ["x", "x^2", "x^3", "x^4", "exp", "log", "sqrt", "tanh", "sin", "abs"]
EXACT = 1e-8  # test RMSE below which the formula is exact


def toy(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.exp(np.sin(np.pi * x) + y**2)


def ours(train: Samples, test: Samples, seed: int, functions=None) -> Result:
    torch.manual_seed(seed)
    clock, lm = Clock(), {"optimizer": "lm", "progress": False}
    model = KAN([2, 5, 1], grid=3).double()
    model.fit(train, penalty=(3e-2, 1e-3), steps=20, starts=2, **lm)
    model = prune(model, train.x)
    model.fit(train, steps=20, **lm)
    model = refine(model, 10)
    model.fit(train, steps=20, **lm)
    model.auto_symbolic(train.x, functions=functions)
    model.fit(train, steps=50, grid_updates=0, **lm)
    formula = model.symbolic_formula(x=train.x)
    return Result("ours", rmse(model, test), str(formula), common.count(model), clock.spent)


def theirs(train: Samples, test: Samples, seed: int, functions=None) -> Result:
    try:
        with pykan() as kan:
            clock, data = Clock(), dataset(train, test)
            model = kan.KAN(width=[2, 5, 1], grid=3, k=3, seed=seed, auto_save=False)
            model.fit(data, opt="LBFGS", steps=50, lamb=0.001)
            model = model.prune()
            model.auto_save = False
            model.fit(data, opt="LBFGS", steps=50)
            model = refined(model, 10)
            model.fit(data, opt="LBFGS", steps=50)
            model.auto_symbolic(lib=TUTORIAL)
            model.fit(data, opt="LBFGS", steps=50)
            error = rmse(model, test)
            formula = str(model.symbolic_formula()[0][0])[:60]
            return Result("pykan", error, formula, 0, clock.spent)
    except NoPykan as reason:
        return Result("pykan", note=str(reason))
    except Exception as error:  # whatever its steps end in is its result
        return Result("pykan", seconds=clock.spent, note=f"{type(error).__name__}: {error}"[:80])


def main() -> None:
    def add(parser):
        parser.add_argument("--seeds", type=int, default=10)
        parser.add_argument("--pykan-seeds", type=int, default=3, help="of so many of the seeds")

    options = common.arguments(__doc__, add)
    common.say_where()
    seeds, few = (2, 1) if options.quick else (options.seeds, options.pykan_seeds)
    races: list[tuple[str, Callable, int, list | None]] = [
        ("ours", ours, seeds, None), ("ours, tutorial's functions", ours, seeds, TUTORIAL), ("pykan", theirs, few, TUTORIAL)
    ]  # fmt: skip
    rows, found = [], {}
    for seed in range(seeds):
        train, test = draw(toy, ((-1, 1),) * 2, 1000, 100 + seed), draw(toy, ((-1, 1),) * 2, 1000, 200 + seed)
        for name, race, count, functions in races:
            if seed < count:
                result = race(train, test, seed, functions)
                found.setdefault(name, []).append(result)
                rows.append({"seed": seed} | result.row() | {"contender": name})
                print(
                    f"seed {seed}, {name}: {result.rmse:.1e}, {result.seconds:.1f} s, {result.shape or result.note}",
                    flush=True,
                )
        common.write(options.out / "symbolic.csv", rows)
    lines = []
    for name, results in found.items():
        seconds = [r.seconds for r in results]
        exact = f"{sum(r.rmse < EXACT for r in results)} of {len(results)}"
        lines.append((name, exact, max(r.rmse for r in results), median(seconds), min(seconds), max(seconds)))
    columns = ["", f"RMSE below {EXACT:.0e}", "worst RMSE", "median s", "least", "most"]
    common.show("exp(sin(pi x) + y^2): fit, prune, refine, formulas, refit", columns, lines)


if __name__ == "__main__":
    main()
