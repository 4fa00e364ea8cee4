"""From a table to a formula: the whole way in one call."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor
from torch.types import Device

from edgewise._ground.device import device_of
from edgewise._ground.errors import ConfigError, DataError
from edgewise._ground.numbers import check_whole
from edgewise.kan.discovery.clock import Clock, timed
from edgewise.kan.discovery.direct import Direct
from edgewise.kan.discovery.knowledge import Knowledge
from edgewise.kan.discovery.missed import look_beyond
from edgewise.kan.discovery.remainder import complete
from edgewise.kan.discovery.result import Discovery, of_network, with_front
from edgewise.kan.discovery.search import Search
from edgewise.kan.discovery.start import seeded, start
from edgewise.kan.discovery.wide import likely
from edgewise.kan.fitting.columns import cut_still, near_rows, warn_of_far_out
from edgewise.kan.fitting.data import Loss, tables, weights_of
from edgewise.kan.fitting.progress import Progress
from edgewise.kan.functions import Function
from edgewise.kan.interpret import Sparsity
from edgewise.kan.kan import KAN
from edgewise.kan.width import check_hidden

HIDDEN = (5,)  # nodes of the network that is fitted where formulas on the rows are not exact
SECONDS = 15.0  # of the search on the rows, at most, if there is no limit,
SHARE, MOST = 0.9, 30.0  # and if there is: so much of it, but not more
ASIDE = 0.3  # of it is kept, where something is known, to see what that keeps away
LEAST = 10.0  # seconds that must be left for a network to be begun
PENALTY = (3e-2, 1e-3)  # of the stages of the first fit


def discover(
    x: ArrayLike,
    y: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    hidden: Sequence | None = None,
    grid: int = 3,
    k: int = 3,
    functions: Iterable[str | Function] | None = None,
    known: Knowledge | None = None,
    penalty: float | Sparsity | Sequence[float | Sparsity] = PENALTY,
    optimizer: str = "lm",
    loss: Loss | None = None,
    weights: ArrayLike | None = None,
    steps: int = 20,
    starts: int = 2,
    max_time: float | None = None,
    seed: int | None = None,
    progress: bool | None = None,
    device: Device = None,
) -> Discovery:
    """Find a formula for targets: on the rows themselves, or as what a network that was fitted to them is.

    Of one target sums of products, their ratios, and functions of both are looked for first (:mod:`edgewise.kan.forms`).
    If none of them is exact a network is fitted, made sparse and pruned, and the formula that it is joins the others. Of
    all, ``front`` keeps those that are the shortest for their error on rows held back; ``formula`` is the one with the
    least N log(mean square) + log(N) for each constant + 4 for each number, variable and operation, on all rows N; where
    they are few constants cost log(N) N / (N - k - 2) each, where k are fitted, and the others 4 N / (N - k).

    Each step of the network's way is a call of its own in this library: a fit under a penalty that wants few edges, from
    ``starts`` beginnings; :func:`~edgewise.kan.interpret.prune`; a fit without penalty, and one on a finer grid if that is
    worth its parameters; formulas for all edges, layer by layer; :func:`~edgewise.kan.interpret.symbolic_formula`. Columns
    that are constant are left out, and so are rows with numbers far from all others of their column; warnings name them.

    Args:
        x: Rows, ``(N, inputs)``.
        y: Targets, ``(N,)`` or ``(N, outputs)``; without a loss whole numbers, and truths as 0 and 1, are numbers too.
            With a loss of your own whatever it takes: a row of whole numbers is then class numbers from 0 on, and there is
            an output for each.
        names: Names of the inputs in the formula; ``x_1, x_2, ...`` by default.
        hidden: Nodes of the hidden layers, such as ``(5,)``, or ``([3, 2],)`` for 3 that add and 2 that multiply: then the
            formula is that of the network. By default formulas are looked for on the rows too, and the network has 5.
        grid: Intervals of the first grid; fewer if there would be more parameters than targets.
        k: Degree of the splines.
        functions: Names of functions to try; the whole library by default.
        known: Units, functions that the formula has not, its length, its form, how it behaves. Of all but functions no
            network knows: then formulas are looked for on the rows alone.
        penalty: Strength of the sparsity penalty, one for each stage of the first fit.
        optimizer: ``"lm"``, or with a loss of your own ``"lbfgs"``.
        loss: Of outputs and targets, a mean of minus log likelihoods; by default the mean square of targets in units of
            their deviation.
        weights: How much each row counts in the mean square; all alike by default.
        steps: Of each fit, at most.
        starts: Beginnings of the first fit.
        max_time: Seconds of the processor after which the search ends with what it has; by default it ends when it is done.
        seed: Draw from this seed, and leave the global generator where it is; by default draw from that.
        progress: Show a progress bar; by default where the output is a terminal.
        device: Where networks are fitted, such as ``"cuda"``; formulas on the rows are looked for on the CPU.

    Returns:
        What was found. After an interrupt (Ctrl-C), or when the time is up, what had been found until then: the network as
        it was, and the best formula if there was one.

    Raises:
        DataError: Rows and targets that do not belong together, or are not all finite.
        ConfigError: An unknown function or optimizer, or names that do not fit.

    Example:
        >>> import torch
        >>> x = torch.linspace(-1, 1, 200).double().unsqueeze(1)
        >>> found = discover(x, 2 * torch.sin(3 * x), names=["t"], hidden=(), functions=["x", "x^2", "sin"], seed=0)
        >>> print(found.formula)
        2*sin(3*t)
    """
    if np.ndim(x) != 2:
        raise DataError(f"the inputs must be a table (rows, columns), got shape {np.shape(x)}")
    check_hidden(hidden)
    device = None if device is None else device_of(device)  # before hours of search
    check_whole(1, grid=grid, steps=steps, starts=starts)
    check_whole(0, k=k)
    functions = functions if functions is None else [functions] if isinstance(functions, str) else list(functions)
    known, is_direct = known or Knowledge(), hidden is None and loss is None and _outputs(y, loss) == 1
    if known.is_of_form and not is_direct:
        raise ConfigError(
            "units, a length, a form and a behaviour are known of formulas on the rows, of one target: leave out hidden= "
            "and loss="
        )
    clock, tried = Clock(max_time), known.allowed(functions) if known.forbidden else functions
    with seeded(seed):
        width = (np.shape(x)[1], *(HIDDEN if hidden is None else hidden), _outputs(y, loss))
        model = start(width, grid, k, math.prod(np.shape(y)))
        table, _ = tables(model, (x, y))
        if weights is not None:
            table = replace(table, weight=weights_of(weights, table))
        cut_still(model, table.x, table.digit, names)
        near = near_rows(table.x, names)
        table = table.some(near)
        if loss is None:
            warn_of_far_out(table.y)
        columns, labels = _varying(model), _labels(names, table.x.shape[1])
        form = known.form_of(labels)
        if form is None and hidden is None and loss is None and table.y.shape[1] == 1:
            columns = likely(table.x.double().cpu().numpy(), table.y[:, 0].double().cpu().numpy(), columns)
        places = columns if form is None else range(len(labels))
        grammar = known.grammar(functions, labels, places)
        if known.has_behaviour:
            grammar = replace(grammar, behaviour=known.behaviour(labels, places, table.x))
        with Progress(progress, None) as bar:
            search = Search(model, table, optimizer, loss, steps, timed(bar.advance, clock), device)
            direct = None
            try:
                if is_direct and len(table) > 1:
                    seconds = SECONDS if max_time is None else min(SHARE * max_time, MOST)
                    first = (1 - ASIDE * known.takes_away) * seconds
                    direct = Direct(table, columns, labels, grammar, clock.part(first), form)
                    direct.run()
                    if known.takes_away and not direct.is_exact:
                        look_beyond(direct, known.beyond(functions), clock.part(ASIDE * seconds))
                if direct is not None and not direct.is_exact and clock.left < LEAST and not known.is_of_form:
                    raise KeyboardInterrupt
                if direct is None or not (direct.is_exact or known.is_of_form):
                    search.find_curves(penalty, starts)
                    search.name_edges(tried)
                    complete(search, penalty, starts, tried)
                    search.write(names)
                stopped = "all stages done"
            except KeyboardInterrupt:
                stopped = "interrupted" if math.isinf(clock.left) or clock.left > LEAST else "time is up"
    if direct is not None and (direct.search.found or known.is_of_form):
        return with_front(search, direct, names, stopped, clock)
    return of_network(search, names, stopped)


def _outputs(y: ArrayLike, loss: Loss | None) -> int:
    """How many outputs the targets want: columns, or of a row of whole numbers for a loss of one's own the classes."""
    if np.ndim(y) != 1:
        return np.shape(y)[1] if np.ndim(y) == 2 else 1
    numbers = y.detach().cpu().numpy() if isinstance(y, Tensor) else np.asarray(y)
    if loss is None or numbers.dtype.kind not in "iub" or not len(numbers):
        return 1
    least, most = int(numbers.min()), int(numbers.max())
    if least < 0 or most >= max(len(numbers), 2):
        raise DataError(
            f"with a loss, whole numbers are classes, which count from 0 and are no more than the rows, got {least} to "
            f"{most} in {len(numbers)} rows: number the classes 0, 1, ..., or give numbers to be predicted as floats"
        )
    return most + 1


def _labels(names: Sequence[str] | None, count: int) -> list[str]:
    """Names of all columns."""
    return [f"x_{i + 1}" for i in range(count)] if names is None else list(map(str, names))


def _varying(model: KAN) -> list[int]:
    """The columns of the rows that edges lead from."""
    columns = range(model[0].in_features) if model.inputs is None else model.inputs
    return [column for column, there in zip(columns, model[0].mask.any(0).tolist(), strict=True) if there]
