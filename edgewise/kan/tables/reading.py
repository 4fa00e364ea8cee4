"""How the cells of columns become numbers, so that those of another table become numbers in the same way."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self

import numpy as np

from edgewise._ground.errors import CheckpointError
from edgewise.kan.tables.cells import Cells, is_number
from edgewise.kan.tables.dates import days_since, first_day
from edgewise.kan.tables.decimals import Decimal, decimal_of, with_point

Missing = Literal["refuse", "drop", "median"]
NOTHING = {"", "na", "n/a", "nan", "<na>", "nat", "null", "none", "-", "--", "?", ".", "#n/a", "#nv"}
"""What stands in cells that hold nothing, in small letters."""


def is_missing(cell: str) -> bool:
    """Whether a cell holds nothing.

    Example:
        >>> [is_missing(cell) for cell in ("", "NA", "#NV", "0", "red")]
        [True, True, True, False, False]
    """
    return cell.lower() in NOTHING


@dataclass(frozen=True)
class Reading:
    """How columns are read.

    Attributes:
        columns: Their names.
        first_days: Of columns of dates: the day from which days are counted.
        missing: What becomes of rows with missing cells: they are refused, dropped, or filled with medians.
        medians: Of the columns, if they are to fill what is missing.
    """

    columns: tuple[str, ...]
    first_days: Mapping[str, datetime] = field(default_factory=dict)
    missing: Missing = "refuse"
    medians: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Cells, columns: Sequence[str], missing: Missing) -> Self:
        """How the columns of a table are to be read: those that hold dates alone as days since the first."""
        held = {name: [cell for cell in table.column(name) if not is_missing(cell)] for name in columns}
        days = {name: first for name, cells in held.items() if (first := first_day(cells)) is not None}
        return cls(tuple(columns), days, missing)

    def decimal(self, table: Cells) -> Decimal:
        """The decimal sign of the columns of numbers; see :func:`~edgewise.kan.tables.decimals.decimal_of`."""
        return decimal_of(table, [name for name in self.columns if name not in self.first_days])

    def numbers(self, table: Cells, decimal: Decimal) -> dict[str, np.ndarray]:
        """The numbers of each column, NaN where a cell is none.

        Args:
            table: The cells.
            decimal: Their decimal sign.
        """
        return {name: np.array([self._number(name, cell, decimal) for cell in table.column(name)]) for name in self.columns}

    def _number(self, name: str, cell: str, decimal: Decimal) -> float:
        if (first := self.first_days.get(name)) is not None:
            days = days_since(first, cell)
            return np.nan if days is None else days
        cell = with_point(cell, decimal)
        return float(cell) if is_number(cell) else np.nan

    def filled(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows without gaps, and which of the rows they are.

        Args:
            x: ``(rows, columns)``, NaN where a cell is missing; with medians at hand they are filled, else left out.
        """
        if self.missing == "median":
            x = np.where(np.isnan(x), [self.medians[name] for name in self.columns], x)
        whole = np.isnan(x).sum(1) == 0
        return x[whole], whole

    def some(self, columns: Sequence[str]) -> Self:
        """The same for some of the columns."""
        days = {name: day for name, day in self.first_days.items() if name in columns}
        medians = {name: median for name, median in self.medians.items() if name in columns}
        return type(self)(tuple(columns), days, self.missing, medians)

    def unit(self, name: str) -> str:
        """What the numbers of a column count, where that is not as it was; else nothing.

        Example:
            >>> Reading(("day",), {"day": datetime(2024, 12, 30)}).unit("day")
            'days since 2024-12-30'
        """
        first = self.first_days.get(name)
        return "" if first is None else f"days since {first.date()}{' UTC' if first.tzinfo else ''}"

    def to_dict(self) -> dict[str, Any]:
        """All but the names of the columns, as JSON has it; :meth:`from_dict` reads it."""
        days = {name: day.isoformat() for name, day in self.first_days.items()}
        return {"dates": days, "missing": self.missing, "medians": dict(self.medians)}

    @classmethod
    def from_dict(cls, columns: Iterable[str], values: Mapping[str, Any]) -> Self:
        """How columns are read by what :meth:`to_dict` wrote.

        Raises:
            CheckpointError: It did not write this.
        """
        try:
            days = {name: datetime.fromisoformat(day) for name, day in values["dates"].items()}
            medians = {name: float(median) for name, median in values["medians"].items()}
            return cls(tuple(columns), days, values["missing"], medians)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CheckpointError(
                f"what is said of how columns were read cannot be understood ({error}): fit again"
            ) from error
