"""The columns of a table as an estimator hands them to its network."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import ExtrapolationWarning, warn
from edgewise.kan.discovery.scale import Scale
from edgewise.kan.fitting.columns import still
from edgewise.nn.outlying import far_out

NEAR = 0.1  # ranges beyond the training rows of which nothing is said: new rows of the same kind lie there too
BEYOND = 1.0  # ranges beyond all others at which a number counts that lies farther out


@dataclass(frozen=True)
class Columns:
    """What was learned of the columns of the training rows, each attribute an entry a column.

    Args:
        scale: Mean and deviation, of all numbers but those far out.
        still: Whether it was constant: it then counts as its mean for ever.
        lowest: What a smaller number counts as; minus infinity if none lay far out.
        highest: What a larger number counts as; infinity if none lay far out.
        least: The least number of the training rows.
        most: The greatest.
    """

    scale: Scale
    still: Tensor
    lowest: Tensor
    highest: Tensor
    least: Tensor
    most: Tensor

    @classmethod
    def of(cls, rows: Tensor, digit: float, weight: Tensor | None = None) -> "Columns":
        """Those of ``rows (N, columns)``.

        Args:
            rows: The training rows.
            digit: The relative size of the rounding errors with which they were given.
            weight: How much each row counts, ``(N,)``; all alike by default.
        """
        far = far_out(rows.T).T
        spoilt = far.any(0)
        counts = torch.ones(len(rows), dtype=rows.dtype) if weight is None else weight
        plain = weight is None and not spoilt.any()
        scale = Scale.of(rows, digit, None if plain else counts.unsqueeze(1) * ~far)
        least, most = rows.where(~far, math.inf).amin(0), rows.where(~far, -math.inf).amax(0)
        room = BEYOND * (most - least)
        limits = torch.where(spoilt, least - room, -math.inf), torch.where(spoilt, most + room, math.inf)
        return cls(scale, still(rows, digit), *limits, *rows.aminmax(dim=0))

    def within(self, reach: float) -> "Columns":
        """The same, with what lies more than ``reach`` ranges beyond the training rows counting as lying there."""
        low, high = torch.maximum(self.lowest, self.least), torch.minimum(self.highest, self.most)
        room = torch.where(high > low, reach * (high - low), math.inf)  # one that does not vary has no effect anyway
        lowest, highest = torch.maximum(self.lowest, low - room), torch.minimum(self.highest, high + room)
        return replace(self, lowest=lowest, highest=highest)

    def as_formula_takes_them(self, scale: Scale) -> "Columns":
        """The same on another scale, and without limits: a formula knows none."""
        ends = torch.full_like(self.highest, math.inf)
        return replace(self, scale=scale, lowest=-ends, highest=ends)

    def with_rows(self, rows: Tensor) -> "Columns":
        """The same, with further training rows; units and limits stay."""
        least, most = rows.aminmax(dim=0)
        return replace(self, least=torch.minimum(self.least, least), most=torch.maximum(self.most, most))

    def __call__(self, x: np.ndarray) -> Tensor:
        """Rows in the units of the network."""
        z = self.scale(torch.tensor(x).clamp(self.lowest, self.highest))
        return torch.where(self.still, 0, z)

    def fraction_outside(self, x: np.ndarray) -> np.ndarray:
        """The fraction of the rows that lie beyond the training rows, by column."""
        return self._outside(x, 0.0).double().mean(0).numpy()

    def warn_of_outside(self, x: np.ndarray, names: Sequence[str] | None) -> None:
        """Say once how many rows lie well beyond the training rows, and in which columns; constant ones have no effect."""
        if found := self.told_outside(x, names):
            warn(
                f"{found[0]}% of the rows lie beyond the training rows in column {found[1]}: "
                "nothing vouches for what is predicted there; fraction_outside(X) says how many lie so",
                ExtrapolationWarning,
            )

    def told_outside(self, x: np.ndarray, names: Sequence[str] | None) -> tuple[str, str] | None:
        """How many rows in a hundred lie well beyond the training rows, and in which columns; None if none does."""
        outside = self._outside(x, NEAR) & ~self.still
        columns = outside.any(0).nonzero().flatten().tolist()
        if not columns:
            return None
        said = [
            f"{repr(names[c]) if names else f'{c} (counted from 0)'} (from {self.least[c]:.4g} to {self.most[c]:.4g})"
            for c in columns
        ]
        return f"{100 * outside.any(1).double().mean():.2g}", ", ".join(said)

    def _outside(self, x: np.ndarray, near: float) -> Tensor:
        rows, room = torch.tensor(x), near * (self.most - self.least)
        return (rows < self.least - room) | (rows > self.most + room)
