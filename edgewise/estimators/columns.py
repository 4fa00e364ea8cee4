"""The columns of a table as an estimator hands them to its network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from edgewise.kan.discovery.scale import Scale
from edgewise.kan.fitting.columns import cut_still, still
from edgewise.kan.kan import KAN


@dataclass(frozen=True)
class Columns:
    """What was learned of the columns of the training rows, each attribute an entry a column.

    Args:
        scale: Mean and deviation.
        still: Whether it was constant: it then counts as its mean for ever.
    """

    scale: Scale
    still: Tensor

    @classmethod
    def of(cls, rows: Tensor, digit: float) -> "Columns":
        """Those of ``rows (N, columns)``, given with rounding errors of the relative size ``digit``."""
        return cls(Scale.of(rows, digit), still(rows, digit))

    def cut(self, model: KAN, rows: Tensor, digit: float, names: Sequence[str] | None) -> None:
        """Let no edge of a new network lead from a constant column, with a warning that names it."""
        cut_still(model, rows, digit, names)

    def __call__(self, x: np.ndarray) -> Tensor:
        """Rows in the units of the network."""
        z = self.scale(torch.tensor(x))
        return torch.where(self.still, 0, z)
