"""Fitting a network to a table: a loop short enough that steps of a fraction of a millisecond are not drowned in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from numpy.typing import ArrayLike
from torch.types import Device
from torch.utils.data import DataLoader

from edgewise._ground.device import computing_on
from edgewise._ground.errors import ConfigError
from edgewise.kan.fitting.columns import warn_of_far_rows
from edgewise.kan.fitting.data import Data, Loss, Pair, tables, weights_of
from edgewise.kan.fitting.history import History
from edgewise.kan.fitting.losses import CurvedLoss
from edgewise.kan.fitting.plan import Plan, stages_of
from edgewise.kan.fitting.progress import Progress
from edgewise.kan.fitting.run import Run
from edgewise.kan.interpret.sparsity import Sparsity
from edgewise.kan.network import Network


def fit(
    model: Network,
    data: Data | ArrayLike,
    y: ArrayLike | None = None,
    *,
    test: Pair | DataLoader | None = None,
    optimizer: str = "lbfgs",
    steps: int = 50,
    grids: Sequence[int] | None = None,
    penalty: float | Sparsity | Sequence[float | Sparsity] = 0.0,
    starts: int = 1,
    loss: Loss | None = None,
    weights: ArrayLike | None = None,
    lr: float | None = None,
    grid_updates: int = 10,
    patience: int | None = None,
    callback: Callable[[Network, int, History], None] | None = None,
    progress: bool | None = None,
    device: Device = None,
) -> History:
    """Fit a network to all of the data at once; the network changes in place.

    Args:
        model: The network.
        data: A pair ``(x, y)`` of rows and targets, a dict as pykan makes it, or a ``DataLoader`` of pairs: then Adam
            trains in mini-batches and ``steps`` are epochs; see :func:`edgewise.kan.fitting.batches.fit_batches`. Or the
            rows alone, with their targets in ``y``.
        y: The targets, where ``data`` is rows alone.
        test: Rows that are only measured, and decide when to stop if there is ``patience``.
        optimizer: ``"lbfgs"`` (a step is 20 iterations), ``"lm"`` (Levenberg-Marquardt: for mean squares of up to some
            thousands of parameters by far the fastest, and to the last digit) or ``"adam"``.
        steps: Steps, in each stage.
        grids: Stages from coarse to fine: before each, the grid is refined to so many intervals, the function kept.
        penalty: Strength of the sparsity penalty, or a :class:`~edgewise.kan.interpret.Sparsity`; or one for each stage.
        starts: Fit so many times, each but the first from parameters drawn anew, and keep the best by loss and penalty;
            with ``patience``, by what decides when to stop.
        loss: Of outputs and targets; the mean square by default. ``"lm"`` takes those of
            :mod:`edgewise.kan.fitting.losses`: ``Huber``, ``Poisson``, ``CrossEntropy``.
        weights: How much each row counts in the mean square, or one of those losses, such as 2 for a row that stands for
            two; all alike by default. A loss of your own weighs for itself.
        lr: Learning rate of Adam (0.01) or first length of L-BFGS along a direction (1).
        grid_updates: How often the grids move to their inputs, evenly over the first half of a stage; 0 for never.
        patience: Stop after so many steps without a lower loss (on ``test`` if there is one), and go back to the best.
        callback: Called after each step.
        progress: Show a progress bar; by default where the output is a terminal.
        device: Where to compute, such as ``"cuda"``: the network and the data go there, and the network comes back
            afterwards; by default where the network is.

    Columns that are constant in the data say nothing: a warning names them, and no numeric edge leads from them any more.

    Returns:
        The course of the fit. After an interrupt (Ctrl-C) the network is as it was after the last whole step, or the best
        one with ``patience``.

    Raises:
        DataError: The data does not fit the network, or is not all finite.
        ConfigError: An unknown optimizer, or options that cannot be or exclude each other.
        NonFiniteError: The loss is not finite before the first step.

    After any of these errors the network is as it was.

    Example:
        >>> from edgewise.kan import KAN
        >>> import torch
        >>> x = torch.linspace(-1, 1, 100).unsqueeze(1)
        >>> history = fit(KAN([1, 1]), (x, x.square()), optimizer="lm", steps=5)
        >>> history.rmse[-1] < 1e-2
        True
    """
    if y is not None:
        if isinstance(data, Mapping) or hasattr(data, "batch_size"):
            raise ConfigError(f"targets are given twice: a {type(data).__name__} has its own, so leave out y")
        data = (cast("ArrayLike", data), y)
    with computing_on(device, model):
        if hasattr(data, "batch_size"):
            from edgewise.kan.fitting.batches import fit_batches

            _refuse_what_is_for_tables(optimizer, grids, starts, patience, weights)
            rest = {"penalty": penalty, "loss": loss, "lr": lr, "callback": callback, "progress": progress}
            return fit_batches(model, cast("DataLoader", data), test, epochs=steps, **rest)
        train, held = tables(model, cast("Data", data), test)
        if weights is not None:
            if loss is not None and not isinstance(loss, CurvedLoss):
                raise ConfigError(
                    "weights are those of the mean square: let a loss of your own weigh the rows, or leave it out"
                )
            train = replace(train, weight=weights_of(weights, train))
        plan = Plan(stages_of(grids, penalty), optimizer, steps, starts, lr, grid_updates, patience)
        plan.check(model, train, loss)
        run = Run(model, train, held, loss, plan)
        run.check_finite()
        run.leave_out_still()
        interrupted = False
        with Progress(progress, len(plan.stages) * steps * starts) as bar:
            try:
                for start in range(starts):
                    if start:
                        run.start_again()
                    for stage in plan.stages:
                        run.stage(stage, callback, bar)
            except KeyboardInterrupt:
                run.restore()
                interrupted = True
        history = run.best()
        model.keep_rows(train.x)
        if interrupted:
            history.stopped = "interrupted"
        elif loss is None and history.loss:
            warn_of_far_rows(train.x, float((train.y - train.y.mean(0)).square().mean()), history.loss[-1])
        return history


def _refuse_what_is_for_tables(
    optimizer: str, grids: Sequence[int] | None, starts: int, patience: int | None, weights: ArrayLike | None
) -> None:
    given = {
        "optimizer='lm'": optimizer == "lm",
        "grids": grids is not None,
        "starts": starts > 1,
        "patience": patience,
        "weights": weights is not None,
    }
    if any(given.values()):
        names = ", ".join(name for name, wanted in given.items() if wanted)
        raise ConfigError(f"a DataLoader is fitted by Adam in one stage: leave out {names}, or give a table (x, y)")
