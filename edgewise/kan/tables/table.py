"""Tables in files as rows of numbers, to learn from or to be answered."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgewise._ground.errors import DataError
from edgewise.kan.tables.cells import Cells, listed
from edgewise.kan.tables.decimals import Decimal
from edgewise.kan.tables.files import read_cells
from edgewise.kan.tables.gaps import check_cells, check_gaps
from edgewise.kan.tables.reading import Missing, Reading


@dataclass(frozen=True)
class DataTable:
    """Columns of a file that a target is to be explained by.

    Attributes:
        x: ``(rows, columns)``.
        y: The target, ``(rows,)``.
        target: Its name.
        reading: How the columns of x became numbers; their names.
        dropped: Columns left out because they do not vary.
        notes: In sentences, what was done to the cells.
        asked: All columns to explain it by, in their order, whether they vary or not.
    """

    x: np.ndarray
    y: np.ndarray
    target: str
    reading: Reading
    dropped: tuple[str, ...]
    notes: tuple[str, ...]
    asked: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns of x."""
        return self.reading.columns


def read_table(
    path: str | Path,
    target: str,
    columns: Sequence[str] | None = None,
    *,
    missing: Missing = "refuse",
    decimal: Decimal | None = None,
) -> DataTable:
    """Read a CSV file, an Excel workbook or a Parquet file whose first line names its columns.

    Columns of dates are read as days since the first of them. Fractions may be written with commas, where all are.

    Args:
        path: The file; CSV in UTF-8 with commas, semicolons or tabs between cells.
        target: Name of the column to be explained.
        columns: Names of those to explain it by; all others by default.
        missing: What becomes of rows with missing cells: ``"refuse"``; ``"drop"``, they are left out; ``"median"``, they
            are filled with the median of their column, but those without a target are left out.
        decimal: The decimal sign, ``"point"`` or ``"comma"``; by default the one that follows from the cells.

    Raises:
        DataError: The file is missing or has no rows, a name is not among its columns (the nearest is said), a cell is
            neither a finite number nor missing, or the target or all columns do not vary.
        MissingPackageError: What reads such a file is missing.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "t.csv")
        >>> _ = path.write_text("day,b,c,y\\n2024-12-30,5,1,2\\n2024-12-31,5,,4\\n2025-01-02,5,4,1\\n")
        >>> table = read_table(path, "y", missing="median")
        >>> table.names, table.dropped, table.x.tolist()
        (('day', 'c'), ('b',), [[0.0, 1.0], [1.0, 2.5], [3.0, 4.0]])
        >>> table.notes[0]
        "'day' is read as days since 2024-12-30."
    """
    cells = read_cells(path)
    chosen = _chosen(cells, target, columns)
    reading = Reading.of(cells, (*chosen, target), missing)
    if target in reading.first_days:
        raise DataError(f"the target {target!r} holds dates in {path}: a formula explains numbers")
    decimal = decimal or reading.decimal(cells)
    numbers = reading.numbers(cells, decimal)
    check_cells(cells, numbers, reading.first_days, target)
    if missing == "refuse":
        check_gaps(cells, numbers, target)
    there = ~np.isnan(numbers[target])  # no median stands for what is to be explained
    medians = {name: float(np.nanmedian(numbers[name])) for name in chosen} if missing == "median" else {}
    x, y = np.stack([numbers[name] for name in chosen], 1)[there], numbers[target][there]
    gaps = dict(zip(chosen, np.isnan(x).sum(0).tolist(), strict=True))
    reading = Reading(chosen, reading.first_days, missing, medians)
    x, whole = reading.filled(x)
    y = y[whole]
    kept = _varying(path, x, y, chosen, target)
    reading = reading.some([chosen[place] for place in kept])
    dropped = tuple(name for name in chosen if name not in reading.columns)
    notes = _notes(reading, decimal, gaps, len(cells.rows) - len(y), len(cells.rows), dropped)
    return DataTable(x[:, kept], y, target, reading, dropped, notes, chosen)


def read_rows(path: str | Path, reading: Reading, decimal: Decimal | None = None) -> tuple[Cells, np.ndarray, np.ndarray]:
    """A table of new rows: its cells, the numbers of the columns of a reading, and which rows these are.

    Args:
        path: The file.
        reading: How the columns were read before; rows that it leaves out are not among the numbers.
        decimal: The decimal sign; by default the one that follows from the cells.

    Raises:
        DataError: A column is missing, or a cell of it can be read in no such way.
    """
    cells = read_cells(path)
    if absent := [name for name in reading.columns if name not in cells.header]:
        raise DataError(
            f"{path} has no column {listed(list(map(repr, absent)))}: the network takes "
            f"{listed(list(map(repr, reading.columns)))}, and the file has {listed(list(map(repr, cells.header)))}"
        )
    if not cells.rows:
        raise DataError(f"{path} has no row below its header: give it rows to predict")
    numbers = reading.numbers(cells, decimal or reading.decimal(cells))
    check_cells(cells, numbers, reading.first_days)
    if reading.missing == "refuse":
        check_gaps(cells, numbers)
    return cells, *reading.filled(np.stack([numbers[name] for name in reading.columns], 1))


def _chosen(cells: Cells, target: str, columns: Sequence[str] | None) -> tuple[str, ...]:
    """The columns to explain a target by."""
    for name in (target, *(columns or ())):
        if name not in cells.header:
            near = difflib.get_close_matches(name, cells.header, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            alone = "; between columns stand commas, semicolons or tabs" if len(cells.header) == 1 else ""
            raise DataError(f"{cells.path} has no column {name!r}; {hint}its columns: {listed(cells.header)}{alone}")
    chosen = tuple(dict.fromkeys(name for name in columns or cells.header if name != target))
    if not chosen or len(cells.rows) < 2:
        rows, beside = len(cells.rows), len(chosen)
        raise DataError(
            f"{cells.path} has {rows} rows and {beside} columns to explain {target!r} by: 2 rows and 1 column are the least"
        )
    return chosen


def _varying(path: str | Path, x: np.ndarray, y: np.ndarray, names: Sequence[str], target: str) -> list[int]:
    """The places of the columns that vary; refuses what has nothing to explain, or nothing to explain it by."""
    if len(y) < 2:
        raise DataError(
            f"{path} has {len(y)} rows without missing cells: fill them with medians with --impute, or give more"
        )
    if np.ptp(y) == 0:
        raise DataError(f"the target {target!r} is {y[0]} in all {len(y)} rows: there is nothing to explain")
    kept = np.flatnonzero(np.ptp(x, axis=0) > 0).tolist()
    if not kept:
        raise DataError(
            f"no column of {path} varies beside {target!r} ({listed(names)}): there is nothing to explain it by"
        )
    return kept


def _notes(
    reading: Reading, decimal: Decimal, gaps: dict[str, int], left_out: int, rows: int, dropped: tuple[str, ...]
) -> tuple[str, ...]:
    notes = ["Its numbers are read with decimal commas."] if decimal == "comma" else []
    notes += [f"{name!r} is read as {unit}." for name in reading.columns if (unit := reading.unit(name))]
    if left_out:
        notes.append(f"Left out, since cells are missing: {left_out} of {rows} rows.")
    filled = [f"{gaps[name]} in {name!r} ({median:g})" for name, median in reading.medians.items() if gaps[name]]
    if filled:
        notes.append(f"Missing cells are filled with the median of their column: {listed(filled)}.")
    if dropped:
        notes.append(f"Left out, since they do not vary: {listed(dropped)}.")
    return tuple(notes)
