"""From a table to a formula: the whole way in one call."""

import copy
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from edgewise._ground.errors import DataError
from edgewise.kan.discovery.between import Departure
from edgewise.kan.discovery.remainder import complete
from edgewise.kan.discovery.scale import Scale, in_units
from edgewise.kan.discovery.search import Search
from edgewise.kan.discovery.start import seeded, start
from edgewise.kan.fitting.columns import cut_still, near_rows, warn_of_far_out
from edgewise.kan.fitting.data import Loss, tables, weights_of
from edgewise.kan.fitting.history import History
from edgewise.kan.fitting.progress import Progress
from edgewise.kan.functions import Function
from edgewise.kan.interpret import Choice, Formula, Sparsity
from edgewise.kan.kan import KAN

PENALTY = (3e-2, 1e-3)  # of the stages of the first fit


@dataclass(frozen=True)
class Discovery:
    """What was found in a table.

    Attributes:
        network: The network with curves on its edges, for rows in units of ``inputs``; it gives units of ``outputs``.
        symbolic: The network with formulas on its edges, in the same units; None after an interrupt.
        formula: What it computes, in the units of the data; its ``rmse`` and ``relative`` are those on the targets, or with
            a loss of one's own those against ``symbolic``. None after an interrupt.
        choices: The formula of each edge, and what else was tried.
        inputs: Means and deviations of the inputs.
        outputs: Those of the targets; with a loss of one's own, 0 and 1.
        stages: Names and histories of the fits that led here, in their order.
        stopped: ``"all stages done"`` or ``"interrupted"``.
        departure: How far the formulas lie from the curves, at the rows and between them; None after an interrupt.
    """

    network: KAN
    symbolic: KAN | None
    formula: Formula | None
    choices: tuple[Choice, ...]
    inputs: Scale
    outputs: Scale
    stages: tuple[tuple[str, History], ...]
    stopped: str
    departure: Departure | None = None

    def in_units(self) -> KAN:
        """The network in the units of the data, with formulas if it has them; see :func:`edgewise.kan.fitting.in_units`."""
        return in_units(copy.deepcopy(self.symbolic or self.network), self.inputs, self.outputs)

    @torch.no_grad()
    def predict(self, x: ArrayLike) -> Tensor:
        """What the network with curves gives for rows ``(N, inputs)`` of the data, ``(N, outputs)``."""
        return self.outputs.back(self.network(self.inputs(torch.as_tensor(x).to(self.inputs.mean))))


def discover(
    x: ArrayLike,
    y: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    hidden: Sequence = (5,),
    grid: int = 3,
    k: int = 3,
    functions: Iterable[str | Function] | None = None,
    penalty: float | Sparsity | Sequence[float | Sparsity] = PENALTY,
    optimizer: str = "lm",
    loss: Loss | None = None,
    weights: ArrayLike | None = None,
    steps: int = 20,
    starts: int = 2,
    seed: int | None = None,
    progress: bool | None = None,
) -> Discovery:
    """Fit a network to rows and targets, make it sparse, prune it, and find the formula that it is.

    Each is a call of its own in this library: a fit under a penalty that wants few edges, from ``starts`` beginnings;
    :func:`~edgewise.kan.interpret.prune`; a fit without penalty, and one on a finer grid if that is worth its parameters;
    formulas for all edges, layer by layer; :func:`~edgewise.kan.interpret.symbolic_formula`. Columns that are constant
    are left out, and so are rows with numbers far from all others of their column; warnings name them.

    Args:
        x: Rows, ``(N, inputs)``.
        y: Targets, ``(N,)`` or ``(N, outputs)``; without a loss whole numbers, and truths as 0 and 1, are numbers too.
            With a loss of your own whatever it takes: a row of whole numbers is then class numbers from 0 on, and there is
            an output for each.
        names: Names of the inputs in the formula; ``x_1, x_2, ...`` by default.
        hidden: Nodes of the hidden layers, such as ``(5,)``, or ``([3, 2],)`` for 3 that add and 2 that multiply.
        grid: Intervals of the first grid; fewer if there would be more parameters than targets.
        k: Degree of the splines.
        functions: Names of functions to try; the whole library by default.
        penalty: Strength of the sparsity penalty, one for each stage of the first fit.
        optimizer: ``"lm"``, or with a loss of your own ``"lbfgs"``.
        loss: Of outputs and targets, a mean of minus log likelihoods; by default the mean square of targets in units of
            their deviation.
        weights: How much each row counts in the mean square; all alike by default.
        steps: Of each fit, at most.
        starts: Beginnings of the first fit.
        seed: Draw from this seed, and leave the global generator where it is; by default draw from that.
        progress: Show a progress bar; by default where the output is a terminal.

    Returns:
        What was found. After an interrupt (Ctrl-C) the network as it was then, and no formula.

    Raises:
        DataError: Rows and targets that do not belong together, or are not all finite.
        ConfigError: An unknown function or optimizer, or names that do not fit.

    Example:
        >>> x = torch.linspace(-1, 1, 200).double().unsqueeze(1)
        >>> found = discover(x, 2 * torch.sin(3 * x), names=["t"], hidden=(), functions=["x", "x^2", "sin"], seed=0)
        >>> print(found.formula)
        2*sin(3*t)
    """
    if np.ndim(x) != 2:
        raise DataError(f"the inputs must be a table (rows, columns), got shape {np.shape(x)}")
    functions = functions if functions is None else [functions] if isinstance(functions, str) else list(functions)
    with seeded(seed):
        model = start((np.shape(x)[1], *hidden, _outputs(y, loss)), grid, k, math.prod(np.shape(y)))
        table, _ = tables(model, (x, y))
        if weights is not None:
            table = replace(table, weight=weights_of(weights, table))
        cut_still(model, table.x, table.digit, names)
        near = near_rows(table.x, names)
        table = table.some(near)
        if loss is None:
            warn_of_far_out(table.y)
        with Progress(progress, steps * (starts * _stages(penalty) + 2)) as bar:
            search = Search(model, table, optimizer, loss, steps, bar.advance)
            try:
                search.find_curves(penalty, starts)
                search.name_edges(functions)
                complete(search, penalty, starts, functions)
                search.write(names)
                stopped = "all stages done"
            except KeyboardInterrupt:
                stopped = "interrupted"
    network, stages = search.found.network, search.found.stages
    for made in filter(None, (network, search.symbolic)):
        made.names = None if names is None else list(map(str, names))
    done = search.formula is not None
    formulas = (search.symbolic, search.formula, tuple(search.choices)) if done else (None, None, ())
    return Discovery(network, *formulas, search.inputs, search.outputs, stages, stopped, search.departure)


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


def _stages(penalty) -> int:
    return len(penalty) if isinstance(penalty, Sequence) else 1
