"""The rows that shapes are compared on: each is held back once."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from edgewise.kan.fitting.data import Table
from edgewise.kan.fitting.losses import CurvedLoss

FOLDS = 5
MANY = 5000  # rows; of more than these shapes are compared on a sample
ENOUGH, ENOUGH_OF_A_CLASS = 2000, 100  # rows of that sample


@dataclass(frozen=True)
class Rows:
    """A table in the units of the networks, what is made small on it, and who is held back when.

    Args:
        table: The rows.
        loss: Of outputs and targets.
        fold: The number of the fold in which a row is held back, ``(N,)``.
        constant: The best output that knows no column, ``(outputs,)``.
    """

    table: Table
    loss: CurvedLoss
    fold: Tensor
    constant: Tensor

    @property
    def folds(self) -> int:
        """How many there are."""
        return int(self.fold.max()) + 1

    def used(self, fold: int) -> Tensor:
        """The weights of rows in a fit that holds a fold back, ``(N,)``: 0 for those."""
        return torch.where(self.fold == fold, 0, self.table.counts)

    def without(self, fold: int) -> Table:
        """All rows, those of a fold of weight 0: they say where columns lie, and nothing of their targets."""
        return replace(self.table, weight=self.used(fold))

    def error(self, output: Tensor) -> float:
        """The mean loss of outputs ``(N, outputs)``."""
        return float(self.loss(output, self.table.y, self.table.weight))

    def floor(self) -> float:
        """The loss of the constant."""
        return self.error(self.constant.expand(len(self.table), -1))


def folds_of(numbers: Tensor | None, rows: int) -> Tensor:
    """In which of at most five folds each row is held back, ``(N,)``, drawn from the global generator.

    Args:
        numbers: Of the classes ``(N,)``, which are spread over the folds; or None.
        rows: How many there are.

    Example:
        >>> folds_of(torch.tensor([0, 1, 0, 1]), 4).sort().values.tolist()
        [0, 1, 2, 3]
    """
    order = torch.randperm(rows)
    if numbers is not None:
        order = order[numbers[order].argsort(stable=True)]
    fold = torch.empty(rows, dtype=torch.long)
    fold[order] = torch.arange(rows) % min(FOLDS, rows)
    return fold


def sample_of(table: Table, numbers: Tensor | None) -> tuple[Table, Table | None]:
    """The rows that shapes are compared on, and the others, in random order, if there are many.

    Args:
        table: All rows.
        numbers: Of the classes ``(N,)``, of each of which there should be some in the sample; or None.
    """
    if len(table) <= MANY:
        return table, None
    count = ENOUGH
    if numbers is not None:
        count = max(count, min(len(table), ENOUGH_OF_A_CLASS * len(table) // int(numbers.bincount().min())))
    some, rest = torch.randperm(len(table)).tensor_split([count])
    return table.some(some), table.some(rest) if len(rest) > count else None
