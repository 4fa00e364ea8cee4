"""Recovery of formulas from rows: ``python -m benchmarks.science.recovery [--list NAME] [--noise 0.05]``.

Each formula of a list (the sixty of formulas.py, or ``kept-back``, ``unseen``, ``textbook``) gives ``--rows`` rows to
``discover``, with all its defaults, one thread and ``--seconds`` of the processor's time, after which it is interrupted
and what it has then counts. Noise is normal, so many standard deviations of the targets. Nothing of a formula but its
rows and the names of its columns is told.

exact      the chosen formula has an NRMSE below 1e-6 on 1000 fresh rows of the ranges, and on 1000 of wider ranges
structure  its constants, fitted again to rows without noise, make it exact, none of them vanishes, and it is at most
           twice as long as the truth
front      the same of any formula of the front

With ``--resume FILE`` every row is kept as soon as it is known, and what is known is not run again.
"""

import argparse
import json
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import sympy
import torch
from scipy.optimize import least_squares

from benchmarks.science.formulas import FORMULAS, Truth
from benchmarks.science.kept_back import KEPT_BACK
from benchmarks.science.textbook import TEXTBOOK
from benchmarks.science.unseen import UNSEEN
from edgewise.kan.discovery import discover
from edgewise.kan.interpret import parse_formula, to_callable

Found = tuple[sympy.Expr | None, list[sympy.Expr]]
"""The formula that is chosen, if there is one, and those of the front."""
Finder = Callable[[np.ndarray, np.ndarray, list[str], float], Found]
"""From rows, targets, the names of the columns and seconds of the processor."""
LISTS = {"sixty": FORMULAS, "kept-back": KEPT_BACK, "unseen": UNSEEN, "textbook": TEXTBOOK}
EXACT = 1e-6
SCORES = {"exact": "E", "exact_front": "e", "structure": "S", "structure_front": "s"}
ROWS, FRESH = 500, 1000
VANISHING = 1e-6
"""A constant below this share of what it was is 0, and what it belongs to is a part too many."""
LONGER = (2, 4)
"""A formula has the right structure up to so many times the operations of the truth, and so many more."""


def nrmse(expression: sympy.Expr, truth: Truth, seed: int) -> float:
    """Root mean square error on fresh rows, in standard deviations of the truth; infinite where it is not defined."""
    x, y = truth.rows(FRESH, seed)
    told = to_callable(expression, list(truth.ranges))(*x.T)
    error = float(np.sqrt(np.mean((told - y) ** 2)) / y.std())
    return error if np.isfinite(error) else float("inf")


def is_exact(expression: sympy.Expr, truth: Truth) -> bool:
    return nrmse(expression, truth, 1) < EXACT and nrmse(expression, truth.wider(), 2) < EXACT


def has_structure(expression: sympy.Expr, truth: Truth) -> bool:
    """Whether other constants make it exact, without its being much longer than the truth or having a part too many."""
    longest = LONGER[0] * sympy.count_ops(parse_formula(truth.text, list(truth.ranges))) + LONGER[1]
    if sympy.count_ops(expression) > longest:
        return False
    numbers = [
        n for n in expression.atoms(sympy.Float, sympy.Rational) if n not in (1, -1) and not _is_exponent(n, expression)
    ]
    holes = {n: sympy.Symbol(f"constant_{i}", real=True) for i, n in enumerate(numbers)}
    open_formula = expression.xreplace(holes)
    call = to_callable(open_formula, [*truth.ranges, *(h.name for h in holes.values())])
    x, y = truth.rows(FRESH, 3)

    def off(constants: np.ndarray) -> np.ndarray:
        error = (call(*x.T, *(np.full(len(x), c) for c in constants)) - y) / y.std()
        return np.where(np.isfinite(error), error, 1e3)

    start = np.array([float(n) for n in numbers])
    scale = np.abs(start).clip(1e-6)
    found = least_squares(off, start, x_scale=scale, xtol=1e-15, ftol=1e-15, gtol=1e-15).x if numbers else start
    if (np.abs(found) < VANISHING * scale).any():
        return False
    fixed = open_formula.xreplace({h: sympy.Float(v, 17) for h, v in zip(holes.values(), found, strict=True)})
    return is_exact(fixed, truth)


def _is_exponent(number: sympy.Expr, expression: sympy.Expr) -> bool:
    """Whole exponents belong to the structure."""
    return number.is_Integer and any(power.exp == number for power in expression.atoms(sympy.Pow))


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Within it, so many seconds of the processor after its beginning, what Ctrl-C does is done."""

    end = time.process_time() + seconds

    def interrupt(*_) -> None:
        if (left := end - time.process_time()) > 0:  # the timer counts ticks, of which a busy machine gives too many
            signal.setitimer(signal.ITIMER_PROF, left)
        else:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGPROF, interrupt)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def discovered(x: np.ndarray, y: np.ndarray, names: list[str], seconds: float) -> Found:
    """What ``discover`` finds with all its defaults."""
    try:
        with limited(seconds), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = discover(x, y, names=names, seed=0, progress=False, max_time=0.95 * seconds)
    except KeyboardInterrupt:
        return None, []
    chosen = found.formula.expressions[0] if found.formula else None
    return chosen, [member.formula.expressions[0] for member in found.front]


def tried(truth: Truth, find: Finder, noise: float, seconds: float, rows: int) -> dict:
    """What is made of the rows of one formula."""
    x, y = truth.rows(rows, 0)
    y = y + noise * y.std() * np.random.default_rng(7).normal(size=rows)
    began = time.process_time()
    chosen, front = find(x, y, list(truth.ranges), seconds)
    spent = time.process_time() - began
    all_of_them = [*([] if chosen is None else [chosen]), *front]
    return {
        "name": truth.name,
        "noise": noise,
        "seconds": round(spent, 1),
        "fresh": None if chosen is None else nrmse(chosen, truth, 1),
        "wider": None if chosen is None else nrmse(chosen, truth.wider(), 2),
        "exact": chosen is not None and is_exact(chosen, truth),
        "exact_front": any(is_exact(e, truth) for e in all_of_them),
        "structure": chosen is not None and has_structure(chosen, truth),
        "structure_front": any(has_structure(e, truth) for e in all_of_them),
        "formula": str(chosen),
        "front": list(map(str, front)),
    }


def main(words: Sequence[str] | None = None) -> None:
    options = arguments().parse_args(words)
    run(options, discovered)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Recovery of formulas from rows.")
    parser.add_argument("--list", choices=list(LISTS), default="sixty")
    parser.add_argument("--names", nargs="*", help="of formulas, or how they begin; all by default")
    parser.add_argument("--noise", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--resume", type=Path)
    return parser


def run(options: argparse.Namespace, find: Finder) -> None:
    """Try each formula, print what comes of it, and the sums."""
    torch.set_num_threads(1)
    truths = LISTS[options.list]
    wanted = options.names or list(truths)
    names = [name for name in truths if any(name == n or name.startswith(f"{n}-") for n in wanted)]
    done = json.loads(options.resume.read_text()) if options.resume and options.resume.exists() else []
    for name in names:
        if any((row["name"], row["noise"]) == (name, options.noise) for row in done):
            continue
        row = tried(truths[name], find, options.noise, options.seconds, options.rows)
        done.append(row)
        if options.resume:
            options.resume.write_text(json.dumps(done, indent=1))
        print(_line(row), flush=True)
    rows = [row for row in done if row["name"] in names and row["noise"] == options.noise]
    for score in SCORES:
        print(f"{score:16} {sum(row[score] for row in rows)} of {len(rows)}")


def _line(row: dict) -> str:
    told = "none" if row["fresh"] is None else f"{row['fresh']:.1e} {row['wider']:.1e}"
    marks = "".join(letter if row[score] else "-" for score, letter in SCORES.items())
    return f"{row['name']:20} {marks} {row['seconds']:5.1f} s  {told:16} {row['formula'][:150]}"


if __name__ == "__main__":
    main()
