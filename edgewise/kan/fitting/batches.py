"""Fitting a network to a DataLoader, batch by batch, through Lightning."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader

from edgewise._ground.errors import ConfigError, DataError
from edgewise._ground.optional import require
from edgewise._ground.quiet import quiet
from edgewise.bases import BSpline
from edgewise.kan.fitting.data import Pair, Table, table_of
from edgewise.kan.fitting.history import History
from edgewise.kan.fitting.plan import Loss, check_fit, check_rates
from edgewise.kan.fitting.progress import Progress
from edgewise.kan.fitting.run import check_start
from edgewise.kan.interpret.sparsity import Sparsity
from edgewise.kan.network import Network, Trace
from edgewise.nn.ranks import alone

if TYPE_CHECKING:
    import lightning.pytorch as pl
    from lightning.pytorch.core.optimizer import LightningOptimizer
else:
    pl = require("lightning.pytorch", extra="training")  # this module is imported by the first fit to a DataLoader

GRID_ROWS = 1000  # from so many rows, or some more, the grids are set at the start
LEARNING_RATE = 1e-2
_NOISE = ("does not have many workers", "is deprecated, use `isinstance", "is available but not used")


def fit_batches(
    model: Network,
    loader: DataLoader,
    test: Pair | DataLoader | None = None,
    *,
    epochs: int,
    penalty: float | Sparsity = 0.0,
    loss: Loss | None = None,
    lr: float | None = None,
    callback: Callable[[Network, int, History], None] | None = None,
    progress: bool | None = None,
) -> History:
    """Fit a network by Adam in mini-batches; it changes in place. Nothing is written to disk.

    The grids move to their inputs once, at the start, for the first rows.

    Args:
        model: The network; it is fitted where it is, in the type it has.
        loader: A ``DataLoader`` of pairs ``(x, y)``.
        test: A pair or another ``DataLoader``, measured after each epoch.
        epochs: How often to go through the data.
        penalty: Strength of the sparsity penalty, or a :class:`~edgewise.kan.interpret.Sparsity`; measured on each batch.
        loss: Of outputs and targets, a mean over rows; the mean square by default.
        lr: Learning rate, 0.01 by default.
        callback: Called after each epoch with the network, the number of the epoch and the history.
        progress: Show a progress bar; by default where the output is a terminal.

    Returns:
        The course of the fit, an entry an epoch; losses and penalties are means over the epoch's rows as they were met.

    Raises:
        DataError: A batch does not fit the network, or is not all finite; if it is one of the first, the network is
            untouched.
        ConfigError: Fewer than 1 epoch, a penalty for each stage, or nothing to fit.
        NonFiniteError: The loss is not finite before the first step.
        MissingPackageError: Lightning is not installed.

    Example:
        >>> from edgewise.kan import KAN
        >>> from torch.utils.data import DataLoader, TensorDataset
        >>> x = torch.rand(200, 2)
        >>> loader = DataLoader(TensorDataset(x, x.prod(1)), batch_size=50, shuffle=True)
        >>> len(fit_batches(KAN([2, 1]), loader, epochs=2))
        2
    """
    if epochs < 1:
        raise ConfigError(f"a fit needs at least 1 epoch, got {epochs}")
    if not isinstance(penalty, int | float | Sparsity):
        raise ConfigError(f"a DataLoader is fitted in one stage, with one penalty, got {penalty}")
    sparsity = penalty if isinstance(penalty, Sparsity) else Sparsity(penalty) if penalty else None
    first = _first_rows(model, loader)
    check_rates("adam", lr)
    check_fit(model, first, loss)
    fitter = _Fitter(model, loss or mse_loss, sparsity, LEARNING_RATE if lr is None else lr, test, callback)
    with torch.no_grad():
        check_start(float(sum(fitter.measure(first)[:2])))
        fitter.test_loss()  # which may raise an error
    if all(isinstance(layer.edge.basis, BSpline) for layer in model):
        with alone():
            model.update_grid(first.x)
    hush = quiet(*_NOISE, loggers=("lightning.pytorch", "lightning.fabric"))
    with hush, Progress(progress, epochs) as fitter.bar:
        try:
            _trainer(epochs, first.x.device).fit(fitter, loader)
        except SystemExit as exit:
            if not isinstance(exit.__context__, KeyboardInterrupt):  # which Lightning turns into an exit
                raise
            fitter.history.stopped = "interrupted"
    model.to(first.x.device)  # Lightning leaves it on the CPU
    model.keep_rows(first.x)
    return fitter.history


class _Fitter(pl.LightningModule):
    """A network with what it is to learn, as Lightning wants it; steps are its own, to stop before one that is none."""

    bar: Progress

    def __init__(self, model: Network, loss: Loss, sparsity: Sparsity | None, lr: float, test, callback):
        super().__init__()
        self.model, self.loss, self.sparsity, self.lr, self.test, self.callback = model, loss, sparsity, lr, test, callback
        self.automatic_optimization = False
        self.history, self.start = History(), time.perf_counter()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam([p for p in self.model.parameters() if p.requires_grad], self.lr)

    def measure(self, table: Table) -> tuple[Tensor, Tensor, Trace]:
        """The loss of rows, their penalty (none for a single row, which has no deviation), and how they came about."""
        trace = self.model.trace(table.x)
        loss = self.loss(trace.output, table.y)
        penalty = torch.zeros_like(loss) if self.sparsity is None or len(table) < 2 else self.sparsity(self.model, trace)
        return loss, penalty, trace

    def on_train_epoch_start(self) -> None:
        """Begin the sums of an epoch."""
        self.rows = 0
        self.sums: dict[str, float] = dict.fromkeys(("loss", "penalty", "outside"), 0.0)

    def training_step(self, batch, index: int) -> None:
        """One step, unless it would lead to numbers that are none."""
        table, optimizer = table_of(self.model, batch, "a batch"), cast("LightningOptimizer", self.optimizers())  # the one
        loss, penalty, trace = self.measure(table)
        value = loss + penalty
        if not value.isfinite():
            self.history.stopped = f"the loss became {value.item()}; the network is as it was before"
            self.trainer.should_stop = True
            return
        optimizer.zero_grad()
        self.manual_backward(value)
        optimizer.step()
        outside = max(layer.fraction_outside(x.detach()) for layer, x in zip(self.model, trace.inputs, strict=True))
        for name, mean in (("loss", loss.item()), ("penalty", penalty.item()), ("outside", outside)):
            self.sums[name] += mean * len(table)
        self.rows += len(table)

    def on_train_epoch_end(self) -> None:
        """Note what the epoch gave."""
        if not self.rows:
            return
        means = {name: total / self.rows for name, total in self.sums.items()}
        grid = getattr(self.model[0].edge.basis, "grid_size", None)
        self.history.append(**means, grid=grid, seconds=time.perf_counter() - self.start, test=self.test_loss())
        if self.callback is not None:
            self.callback(self.model, len(self.history) - 1, self.history)
        self.bar.advance(self.history)

    @torch.no_grad()
    def test_loss(self) -> float | None:
        """The mean loss of the test rows, if there are any."""
        if self.test is None:
            return None
        batches = self.test if hasattr(self.test, "batch_size") else [self.test]
        tables = (table_of(self.model, batch, "test") for batch in batches)
        losses = [(len(table), float(self.loss(self.model(table.x), table.y))) for table in tables]
        return sum(rows * loss for rows, loss in losses) / sum(rows for rows, _ in losses)


def _first_rows(model: Network, loader) -> Table:
    """The first batches, as one table."""
    tables, rows = [], 0
    for batch in loader:
        tables.append(table_of(model, batch, "a batch"))
        rows += len(tables[-1])
        if rows >= GRID_ROWS:
            break
    if not tables:
        raise DataError("the DataLoader gives no batch: a fit needs at least one row")
    return Table(torch.cat([table.x for table in tables]), torch.cat([table.y for table in tables]))


def _trainer(epochs: int, device: torch.device) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=epochs,
        accelerator="gpu" if device.type == "cuda" else device.type,
        devices=[device.index or 0] if device.type == "cuda" else 1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
