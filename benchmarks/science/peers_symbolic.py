"""Operon and gplearn on the same formulas: ``python -m benchmarks.science.peers_symbolic operon [--noise 0.05]``.

pyoperon 0.6.2 and gplearn 0.4.3 get the rows that ``discover`` gets in recovery.py, and as many seconds of the processor on
one thread; they are scored as it is, over their choice and over their front. Both may use all functions that the sixty are
made of, powers aside, which these make up. Operon fits constants itself (Levenberg-Marquardt, five steps) and looks for
a front of error and length; its choice is the least description length. gplearn has no such thing: its front is that of all
programs of all generations, and its choice the best program under its own price for length. Operon computes in single
precision, and gplearn fits no constants. So that neither is scored by this, the constants of what they found are fitted
once more in double precision before anything is scored.
"""

import time
import warnings
from collections.abc import Iterable, Sequence

import numpy as np
import sympy
import torch

from benchmarks.science.recovery import Found, arguments, run
from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.tree import tree_of
from edgewise.kan.interpret import parse_formula

SYMBOLS = "add,sub,mul,div,sqrt,square,exp,log,sin,cos,tanh,constant,variable"
LONGEST = 30
POPULATION = 1000
LISTENING = 1.0


def operon(x: np.ndarray, y: np.ndarray, names: list[str], seconds: float) -> Found:
    from pyoperon.sklearn import SymbolicRegressor

    model = SymbolicRegressor(
        allowed_symbols=SYMBOLS,
        objectives=["r2", "length"],
        max_length=LONGEST,
        population_size=POPULATION,
        optimizer="lm",
        optimizer_iterations=5,
        generations=10**6,
        max_evaluations=10**9,
        epsilon=1e-12,
        n_threads=1,
        random_state=0,
        max_time=max(1, round(seconds / _share())),
    )
    model.fit(x, y)
    symbols = [sympy.Symbol(name, real=True) for name in names]
    columns = {f"X{i + 1}": symbol for i, symbol in enumerate(symbols)}

    def read(tree: object) -> sympy.Expr:
        return parse_formula(model.get_model_string(tree, 17), list(columns)).xreplace(
            {sympy.Symbol(column, real=True): symbol for column, symbol in columns.items()}
        )

    return fitted(read(model.model_), symbols, x, y), [
        again for member in model.pareto_front_ if (again := fitted(read(member["tree"]), symbols, x, y)) is not None
    ]


def _share() -> float:
    """How much of a second the processor works for this process; Operon's limit is one of the clock on the wall."""
    wall, own = time.monotonic(), time.process_time()
    while time.monotonic() < wall + LISTENING:
        pass
    return (time.process_time() - own) / (time.monotonic() - wall)


def gplearn(x: np.ndarray, y: np.ndarray, names: list[str], seconds: float) -> Found:
    from gplearn.functions import make_function
    from gplearn.genetic import SymbolicRegressor

    end = time.process_time() + seconds

    def exponential(values: np.ndarray) -> np.ndarray:
        return np.exp(np.clip(values, -50, 50))

    own = [make_function(function=exponential, name="exp", arity=1), make_function(function=np.tanh, name="tanh", arity=1)]
    model = SymbolicRegressor(
        population_size=POPULATION,
        generations=1,
        function_set=["add", "sub", "mul", "div", "sqrt", "log", "sin", "cos", *own],
        metric="rmse",
        const_range=(-5.0, 5.0),
        warm_start=True,
        low_memory=True,
        n_jobs=1,
        random_state=0,
    )
    best: dict[int, tuple[float, object]] = {}
    while time.process_time() < end:
        model.fit(x, y)
        for program in model._programs[-1]:
            if program.length_ <= LONGEST and program.raw_fitness_ < best.get(program.length_, (np.inf, None))[0]:
                best[program.length_] = (program.raw_fitness_, program)
        model.set_params(generations=model.generations + 1)
    symbols = [sympy.Symbol(name, real=True) for name in names]
    expressions = [_expression(program, symbols) for _, program in _falling(best)]
    return fitted(_expression(model._program, symbols), symbols, x, y), [
        again for expression in expressions if (again := fitted(expression, symbols, x, y)) is not None
    ]


def _falling(best: dict[int, tuple[float, object]]) -> Iterable[tuple[float, object]]:
    """Ever longer programs of ever smaller error."""
    least = np.inf
    for length in sorted(best):
        if best[length][0] < least:
            least = best[length][0]
            yield best[length]


def _expression(program: object, symbols: Sequence[sympy.Symbol]) -> sympy.Expr:
    """A program of gplearn, which is a list in prefix order; its protected functions are taken for the functions."""
    written = {
        "add": lambda a, b: a + b,
        "sub": lambda a, b: a - b,
        "mul": lambda a, b: a * b,
        "div": lambda a, b: a / b,
        "sqrt": lambda a: sympy.sqrt(sympy.Abs(a)),
        "log": lambda a: sympy.log(sympy.Abs(a)),
    }
    stack: list[sympy.Expr] = []
    for node in reversed(program.program):
        if isinstance(node, int | np.integer):
            stack.append(symbols[int(node)])
        elif isinstance(node, float | np.floating):
            stack.append(sympy.Float(float(node), 17))
        else:
            arguments_ = [stack.pop() for _ in range(node.arity)]
            stack.append(written.get(node.name, getattr(sympy, node.name, None))(*arguments_))
    return stack.pop()


def fitted(expression: sympy.Expr, symbols: Sequence[sympy.Symbol], x: np.ndarray, y: np.ndarray) -> sympy.Expr | None:
    """A formula with its constants fitted once more; as it is where that leads nowhere, None where it is none."""
    if expression.has(sympy.zoo, sympy.nan, sympy.oo):
        return None
    tree = tree_of(expression, symbols)
    if tree is None:
        return expression
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = Rows(list(torch.tensor(x.T.copy())), y).fitted(tree, 100)
    return found.tree.expression(symbols) if np.isfinite(found.error) else expression


PEERS = {"operon": operon, "gplearn": gplearn}


def main(words: Sequence[str] | None = None) -> None:
    parser = arguments()
    parser.add_argument("peer", choices=list(PEERS))
    options = parser.parse_args(words)
    run(options, PEERS[options.peer])


if __name__ == "__main__":
    main()
