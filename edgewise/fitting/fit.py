"""Fitting a network to a table: a loop short enough that steps of a fraction of a millisecond are not drowned in it."""

import copy
import math
import time
import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from edgewise._errors import ConfigError, NonFiniteError
from edgewise._registry import unknown
from edgewise.bases import BSpline
from edgewise.fitting.data import Table, tables
from edgewise.fitting.history import History
from edgewise.fitting.lbfgs import LBFGS, Adam
from edgewise.fitting.marquardt import Marquardt
from edgewise.fitting.progress import Progress
from edgewise.interpret.sparsity import Sparsity
from edgewise.models.kan import KAN
from edgewise.nn import refine_grid

Loss = Callable[[Tensor, Tensor], Tensor]
OPTIMIZERS = ("lbfgs", "lm", "adam")
PATIENCE_WITHOUT_PROGRESS = 2  # steps that led nowhere, one after the other, before a stage ends


def fit(
    model: KAN,
    data,
    *,
    test=None,
    optimizer: str = "lbfgs",
    steps: int = 50,
    grids: Sequence[int] | None = None,
    penalty: float | Sparsity | Sequence[float | Sparsity] = 0.0,
    starts: int = 1,
    loss: Loss | None = None,
    lr: float | None = None,
    grid_updates: int = 10,
    patience: int | None = None,
    callback: Callable[[KAN, int, History], None] | None = None,
    progress: bool | None = None,
) -> History:
    """Fit a network to all of the data at once; the network changes in place.

    Args:
        model: The network.
        data: A pair ``(x, y)`` of rows and targets, a dict as pykan makes it, or a ``DataLoader`` of pairs: then Adam
            trains in mini-batches and ``steps`` are epochs.
        test: Rows that are only measured, and decide when to stop if there is ``patience``.
        optimizer: ``"lbfgs"`` (a step is 20 iterations), ``"lm"`` (Levenberg-Marquardt: for mean squares of up to some
            thousands of parameters by far the fastest, and to the last digit) or ``"adam"``.
        steps: Steps, in each stage.
        grids: Stages from coarse to fine: before each, the grid is refined to so many intervals, the function kept.
        penalty: Strength of the sparsity penalty, or a :class:`~edgewise.interpret.Sparsity`; or one for each stage.
        starts: Fit so many times, each but the first from parameters drawn anew, and keep the best by loss and penalty.
        loss: Of outputs and targets; the mean square by default.
        lr: Learning rate of Adam (0.01) or first length of L-BFGS along a direction (1).
        grid_updates: How often the grids move to their inputs, evenly over the first half of a stage; 0 for never.
        patience: Stop after so many steps without a lower loss (on ``test`` if there is one), and go back to the best.
        callback: Called after each step.
        progress: Show a progress bar; by default where the output is a terminal.

    Returns:
        The course of the fit. After an interrupt (Ctrl-C) the network is as it was after the last whole step.

    Raises:
        DataError: The data does not fit the network, or is not all finite; the network is untouched.
        ConfigError: An unknown optimizer, or options that exclude each other.
        NonFiniteError: The loss is not finite before the first step.

    Example:
        >>> x = torch.linspace(-1, 1, 100).unsqueeze(1)
        >>> history = fit(KAN([1, 1]), (x, x.square()), optimizer="lm", steps=5)
        >>> history.rmse[-1] < 1e-2
        True
    """
    if hasattr(data, "batch_size"):
        from edgewise.fitting.batches import fit_batches

        return fit_batches(model, data, test, epochs=steps, penalty=penalty, loss=loss, lr=lr, progress=progress)
    train, held = tables(model, data, test)
    stages = _stages(grids, penalty)
    _check(model, train, optimizer, steps, loss, starts)
    run = _Run(model, train, held, loss or torch.nn.functional.mse_loss)
    with Progress(progress, len(stages) * steps * starts) as bar:
        try:
            for start in range(starts):
                if start:
                    run.start_again()
                for grid, sparsity in stages:
                    run.stage(grid, sparsity, optimizer, steps, lr, grid_updates, patience, callback, bar)
        except KeyboardInterrupt:
            run.restore()
            run.history.stopped = "interrupted"
    return run.best()


class _Run:
    """A fit as it goes: what it minimises, what it has recorded, and the last state that is worth keeping."""

    def __init__(self, model: KAN, train: Table, test: Table | None, loss: Loss):
        self.model, self.train, self.test, self.loss, self.sparsity = model, train, test, loss, None
        self.history, self.start = History(), time.perf_counter()
        self._first, self._done = copy.deepcopy(model), []
        self._keep()

    def start_again(self) -> None:
        """Set what was fitted aside and draw the parameters anew, on the grids as they were."""
        self._done.append((self.history, [*self.model]))
        for place, layer in enumerate(copy.deepcopy(self._first)):
            layer.reset_parameters()
            self.model[place] = layer
        self.history = History()
        self._keep()

    def best(self) -> History:
        """Leave the model with the best of all fits, and give its history."""
        fits = [*self._done, (self.history, [*self.model])]
        history, layers = min(fits, key=lambda fitted: fitted[0].score)
        for place, layer in enumerate(layers):
            self.model[place] = layer
        return history

    def objective(self) -> Tensor:
        if self.sparsity is None:
            return self.loss(self.model(self.train.x), self.train.y)
        trace = self.model.trace(self.train.x)
        return self.loss(trace.output, self.train.y) + self.sparsity(self.model, trace)

    def stage(self, grid, sparsity, optimizer, steps, lr, grid_updates, patience, callback, bar) -> None:
        """Steps on one grid and under one penalty."""
        self.sparsity = sparsity
        if grid is not None:
            for layer in self.model:
                refine_grid(layer, grid)
        updates = {round(i * steps / 2 / grid_updates) for i in range(grid_updates)}
        best, since, idle = math.inf, 0, 0
        stepper = None
        for step in range(steps):
            if step in updates and all(isinstance(layer.edge.basis, BSpline) for layer in self.model):
                self.model.update_grid(self.train.x)
                if stepper is not None:
                    stepper.reset()
            if stepper is None:
                self._keep()
                self._check_finite()
                stepper = self._stepper(optimizer, lr)
            stepper.step()
            score = self._record()
            if callback is not None:
                callback(self.model, len(self.history) - 1, self.history)
            bar.advance(self.history)
            if patience is None or score < best:
                best, since = min(best, score), 0
                self._keep()
            else:
                since += 1
            idle = idle + 1 if stepper.stuck else 0
            if idle >= PATIENCE_WITHOUT_PROGRESS and step > max(updates, default=0):
                self.history.stopped = "converged"
                break
            if patience is not None and since >= patience:
                self.history.stopped = f"no lower loss for {patience} steps"
                break
        if patience is not None:
            self.restore()

    def restore(self) -> None:
        """Go back to the last state that was kept, unless the grids are about to change: their functions do not."""
        now = self.model.state_dict()
        if {n: t.shape for n, t in now.items()} == {n: t.shape for n, t in self._kept.items()}:
            self.model.load_state_dict(self._kept)

    def _keep(self) -> None:
        self._kept = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}

    def _stepper(self, optimizer: str, lr: float | None) -> LBFGS | Adam | Marquardt:
        if optimizer == "lm":
            return Marquardt(self.model, self.train, self.sparsity)
        kind = LBFGS if optimizer == "lbfgs" else Adam
        return kind(self.model, self.objective, *([] if lr is None else [lr]))

    @torch.no_grad()
    def _record(self) -> float:
        trace, history = self.model.trace(self.train.x), self.history
        history.loss.append(float(self.loss(trace.output, self.train.y)))
        history.penalty.append(float(self.sparsity(self.model, trace)) if self.sparsity else 0.0)
        layers = zip(self.model, trace.inputs, strict=True)
        history.outside.append(max(layer.fraction_outside(x) for layer, x in layers))
        history.grid.append(getattr(self.model[0].edge.basis, "grid_size", None))
        history.seconds.append(time.perf_counter() - self.start)
        if self.test is not None:
            history.test.append(float(self.loss(self.model(self.test.x), self.test.y)))
            return history.test[-1]
        return history.loss[-1] + history.penalty[-1]

    def _check_finite(self) -> None:
        with torch.no_grad():
            value = float(self.objective())
        if not math.isfinite(value):
            raise NonFiniteError(
                f"the loss is {value} before the first step: look for inputs outside the domain of a symbolic edge (log, "
                "sqrt, 1/x) and for targets that are too large to square"
            )


def _stages(grids, penalty) -> list[tuple[int | None, Sparsity | None]]:
    """For each stage its grid, if that changes, and its penalty."""
    penalties = list(penalty) if isinstance(penalty, Sequence) else [penalty]
    penalties = [p if isinstance(p, Sparsity) else Sparsity(p) if p else None for p in penalties]
    grids = [None] if grids is None else list(grids)
    count = max(len(grids), len(penalties))
    if not grids or not penalties or any(len(given) not in (1, count) for given in (grids, penalties)):
        raise ConfigError(f"stages need a grid and a penalty each, got {len(grids)} grids and {len(penalties)} penalties")
    grids = [grids[0]] + [None] * (count - 1) if len(grids) == 1 else grids
    return list(zip(grids, penalties * (count // len(penalties)), strict=True))


def _check(model: KAN, train: Table, optimizer: str, steps: int, loss: Loss | None, starts: int) -> None:
    if optimizer not in OPTIMIZERS:
        raise unknown("optimizer", optimizer, OPTIMIZERS)
    if steps < 1 or starts < 1:
        raise ConfigError(f"a fit needs at least 1 step and 1 start, got steps={steps} and starts={starts}")
    if optimizer == "lm" and loss is not None:
        raise ConfigError("'lm' minimises mean squares: for a loss of your own use 'lbfgs' or 'adam'")
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    if parameters > train.y.numel():
        warnings.warn(
            f"{parameters} parameters and {train.y.numel()} targets: the network can learn all of them by heart; use a "
            "coarser grid, fewer nodes or more data",
            stacklevel=3,
        )
