"""How far predictions are off, by rows that were held back: more where the rows say so."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError, DataError
from edgewise.estimators.choice import choose
from edgewise.estimators.columns import Columns
from edgewise.estimators.penalised import best_constant
from edgewise.estimators.rows import Rows
from edgewise.kan.fitting.losses import Poisson
from edgewise.kan.kan import KAN


@dataclass(frozen=True)
class Widths:
    """How far predictions are off at a row, relative to other rows.

    Args:
        columns: What becomes of a row on its way to the network.
        network: Gives logarithms.
        constant: Is added to them.
        least: Of the training rows, ``(outputs,)``; nothing is narrower,
        most: and nothing is wider than the widest of them.
    """

    columns: Columns
    network: KAN
    constant: Tensor
    least: Tensor
    most: Tensor

    @torch.no_grad()
    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Of rows ``(N, columns)``, ``(N, outputs)``."""
        return (self.network(self.columns(x)) + self.constant).clamp(self.least, self.most).exp().numpy()


class Spread:
    """What was left of targets when their rows were held back.

    Args:
        left: Targets less predictions, ``(N, outputs)``.
        width: How far each was expected to be off, relative to others, ``(N, outputs)``; all alike by default.
        widths: The same for new rows.

    Example:
        >>> spread = Spread(np.linspace(-1, 1, 201)[:, None])
        >>> spread.reach(0.9).round(2).tolist(), spread.deviation().round(2).tolist()
        ([0.91], [0.58])
    """

    def __init__(
        self, left: np.ndarray, width: np.ndarray | None = None, widths: Callable[[np.ndarray], np.ndarray] | None = None
    ):
        self.left = left
        self.relative = left if width is None else left / width
        self.widths = widths

    @classmethod
    def of(cls, left: Tensor, rows: Rows, model: KAN, columns: Columns) -> "Spread":
        """With widths of their own: a line and a sum of curves tell the logarithm of what is left, if rows held back agree.

        Args:
            left: In units of the targets, ``(N, outputs)``.
            rows: The rows, with the folds in which they were held back.
            model: A network of the same inputs and outputs.
            columns: What becomes of a row on its way to it.
        """
        size, counts = left.abs(), rows.table.counts
        unit = (counts @ size) / counts.sum()
        size = torch.where(unit > 0, size / torch.where(unit > 0, unit, 1), 1)
        table = replace(rows.table, y=size)
        single = KAN([model[0].in_features, left.shape[1]], model[0].edge.basis).to(size)
        single[0].set_mask(model[0].mask.any(0).expand_as(single[0].mask))
        told = Rows(table, Poisson(), rows.fold, best_constant(table, Poisson()))
        found = choose(single, lambda: single, told, 0, 0)
        ends = found.held.amin(0), found.held.amax(0)
        widths = Widths(columns.within(found.reach), found.model, found.constant, *ends)
        return cls(left.numpy(), found.held.exp().numpy(), widths)

    def of_rows(self, x: np.ndarray) -> np.ndarray | float:
        """The widths of new rows, ``(N, outputs)``, or 1 if all are alike."""
        return 1.0 if self.widths is None else self.widths(x)

    def deviation(self) -> np.ndarray:
        """The root mean square of what is left of a row of width 1, ``(outputs,)``."""
        return np.sqrt(np.square(self.relative).mean(0))

    def reach(self, coverage: float) -> np.ndarray:
        """Within what distance a new row of width 1 lies with at least this probability, ``(outputs,)``.

        It is the k-th smallest distance of the n rows in units of their widths, k = (n + 1) coverage rounded up: a new row
        is as likely to be at any of n + 1 places among them (V. Vovk, cross-conformal predictors, 2015, there for the fits
        of each fold; widths as by J. Lei et al., J. Am. Stat. Assoc. 113, 2018).

        Raises:
            ConfigError: The coverage is not between 0 and 1.
            DataError: There are too few rows for it.
        """
        if not 0 < coverage < 1:
            raise ConfigError(f"coverage is a share of rows between 0 and 1, such as 0.9, got {coverage}")
        count = len(self.left)
        place = math.ceil(round((count + 1) * coverage, 9))
        if place > count:
            least = math.ceil(round(coverage / (1 - coverage), 9))
            raise DataError(
                f"an interval that covers {coverage:g} needs at least {least} training rows, got {count}: "
                "fit to more rows, or ask for less coverage"
            )
        return np.sort(np.abs(self.relative), 0)[place - 1]
