"""What a fit is asked to do, checked before anything is changed."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgewise._ground.errors import ConfigError, DataError, warn
from edgewise._ground.numbers import check_whole
from edgewise._ground.registry import unknown
from edgewise.bases import BSpline
from edgewise.kan.fitting.data import Loss, Table
from edgewise.kan.fitting.losses import CurvedLoss
from edgewise.kan.interpret.sparsity import Sparsity
from edgewise.kan.layer import KANLayer
from edgewise.kan.network import Network
from edgewise.nn.grid import check_stages

OPTIMIZERS = ("lbfgs", "lm", "adam")


@dataclass(frozen=True)
class Stage:
    """Steps on one grid and under one penalty.

    Args:
        grid: The number of intervals to refine to first, or None to leave the grids.
        sparsity: The penalty, or None.
    """

    grid: int | None
    sparsity: Sparsity | None


@dataclass(frozen=True)
class Plan:
    """How a fit is to go; the arguments are those of :func:`edgewise.kan.fitting.fit`."""

    stages: tuple[Stage, ...]
    optimizer: str
    steps: int
    starts: int
    lr: float | None
    grid_updates: int
    patience: int | None

    def check(self, model: Network, train: Table, loss: Loss | None) -> None:
        """Raise an error unless the plan can be carried out, and warn if there are more parameters than targets.

        Raises:
            ConfigError: An option that cannot be, options that exclude each other, or nothing to fit.
            DataError: Targets that the loss cannot take, or too few rows.
        """
        if self.optimizer not in OPTIMIZERS:
            raise unknown("optimizer", self.optimizer, OPTIMIZERS)
        check_whole(1, steps=self.steps, starts=self.starts)
        if self.patience is not None and self.patience < 1:
            raise ConfigError(f"patience must be at least 1 step, got {self.patience}")
        check_rates(self.optimizer, self.lr, self.grid_updates)
        if self.optimizer == "lm":
            _check_marquardt(model, loss)
        check_fit(model, train, loss)
        if len(train) < 2 and any(stage.sparsity for stage in self.stages):
            raise DataError("a penalty is measured on samples, at least 2 of them, and the data has 1 row")
        self._check_grids(model)
        self._compare(model, train)

    def _check_grids(self, model: Network) -> None:
        grids = [stage.grid for stage in self.stages if stage.grid is not None]
        if grids and min(grids) < 1:
            raise ConfigError(f"a grid needs at least 1 interval, got grids={grids}")
        if grids:
            check_stages(model, grids)

    def _compare(self, model: Network, train: Table) -> None:
        finest = max((stage.grid for stage in self.stages if stage.grid is not None), default=0)
        parameters = sum(_free_parameters(layer, finest) for layer in model)
        if parameters > train.y.numel():
            warn(
                f"{parameters} parameters and {train.y.numel()} targets: the network can learn all of them by heart; use "
                "a coarser grid, fewer nodes or more data"
            )


def stages_of(grids: Sequence[int] | None, penalty: float | Sparsity | Sequence[float | Sparsity]) -> tuple[Stage, ...]:
    """The stages that grids and penalties amount to; one of either serves all.

    Example:
        >>> [stage.grid for stage in stages_of([3, 10], 0.0)], [stage.grid for stage in stages_of([5], [0.1, 0.0])]
        ([3, 10], [5, None])
    """
    penalties = list(penalty) if isinstance(penalty, Iterable) else [penalty]
    penalties = [p if isinstance(p, Sparsity) else Sparsity(p) if p else None for p in penalties]
    sizes: list[int | None] = [None] if grids is None else list(grids) if isinstance(grids, Iterable) else [grids]
    count = max(len(sizes), len(penalties))
    if not sizes or not penalties or any(len(given) not in (1, count) for given in (sizes, penalties)):
        raise ConfigError(f"stages need a grid and a penalty each, got {len(sizes)} grids and {len(penalties)} penalties")
    sizes = [sizes[0]] + [None] * (count - 1) if len(sizes) == 1 else sizes
    return tuple(map(Stage, sizes, penalties * (count // len(penalties))))


def check_rates(optimizer: str, lr: float | None, grid_updates: int = 0) -> None:
    """Raise an error unless an optimizer can take such a learning rate, and grids move so often.

    Raises:
        ConfigError: A rate that is not positive, one for a solver that has none, or a negative count.
    """
    if grid_updates < 0:
        raise ConfigError(f"grid_updates must be 0 or more, got {grid_updates}")
    if lr is not None and not 0 < lr < math.inf:
        raise ConfigError(f"lr must be positive and finite, got {lr}")
    if lr is not None and optimizer == "lm":
        raise ConfigError(f"'lm' finds the length of its steps itself, got lr={lr}: leave it out or take 'adam' or 'lbfgs'")


def check_fit(model: Network, table: Table, loss: Loss | None) -> None:
    """Raise an error unless the network can learn, and the loss can take the targets."""
    if loss is None and not table.y.is_floating_point():
        raise DataError("targets that are class numbers need a loss such as torch.nn.functional.cross_entropy")
    if not any(p.requires_grad for p in model.parameters()):
        raise ConfigError("there is nothing to fit: all parameters of the network are frozen")


def _check_marquardt(model: Network, loss: Loss | None) -> None:
    if loss is not None and not isinstance(loss, CurvedLoss):
        raise ConfigError(
            "'lm' minimises mean squares and the losses of edgewise.kan.fitting that curve: for a loss of your own use "
            "'lbfgs' or 'adam'"
        )
    for layer in model:
        if any(p.requires_grad for p in layer.state.parameters()):
            raise ConfigError(f"'lm' does not learn the numbers inside of {layer.edge.basis}: use 'lbfgs' or 'adam'")


def _free_parameters(layer: KANLayer, grid: int) -> int:
    """Numbers of the edges that are there, on a grid of at least so many intervals."""
    basis = layer.edge.basis
    functions = max(basis.num_functions, grid + basis.degree) if isinstance(basis, BSpline) else basis.num_functions
    by_edge = sum(
        count
        for parameter, count in ((layer.coef, functions), (layer.base_weight, 1), (layer.scale, 1))
        if parameter is not None and parameter.requires_grad
    )
    others = [*layer.state.parameters(), *([] if layer.affine is None else layer.affine.values())]
    free = int(layer.mask.sum()) * by_edge + sum(p.numel() for p in others if p.requires_grad)
    if layer.symbolic is not None and layer.symbolic.affine.requires_grad:
        free += 4 * int(layer.symbolic.present.sum())
    return free
