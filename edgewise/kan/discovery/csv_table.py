"""Tables of numbers in CSV files."""

import csv
import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgewise._ground.errors import DataError


@dataclass(frozen=True)
class CsvTable:
    """Columns of a file that a target is to be explained by.

    Attributes:
        x: ``(rows, columns)``.
        y: The target, ``(rows,)``.
        names: Of the columns of x.
        dropped: Columns left out because they do not vary.
    """

    x: np.ndarray
    y: np.ndarray
    names: tuple[str, ...]
    dropped: tuple[str, ...]


def read_csv(path: str | Path, target: str, columns: Sequence[str] | None = None) -> CsvTable:
    """Read a table whose first line names its columns; the separator is a comma, a semicolon or a tab.

    Args:
        path: The file, in UTF-8.
        target: Name of the column to be explained.
        columns: Names of those to explain it by; all others by default.

    Raises:
        DataError: The file is missing or has no rows, a name is not among its columns (the nearest is said), a cell is no
            finite number, or the target or all columns do not vary.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "t.csv")
        >>> _ = path.write_text("a,b,y\\n1,5,2\\n2,5,4\\n")
        >>> read_csv(path, "y").names, read_csv(path, "y").dropped
        (('a',), ('b',))
    """
    header, rows = _cells(Path(path))
    for name in (target, *(columns or ())):
        if name not in header:
            near = difflib.get_close_matches(name, header, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise DataError(f"{path} has no column {name!r}; {hint}its columns: {', '.join(header)}")
    chosen = [name for name in columns or header if name != target]
    if not chosen or len(rows) < 2:
        raise DataError(f"{path} has {len(rows)} rows and {len(chosen)} columns beside {target!r}: 2 and 1 are the least")
    texts = [name for name in (*chosen, target) if not any(_is_number(row.cells[header.index(name)]) for row in rows)]
    if target in texts:
        raise DataError(f"the target {target!r} has no number in {path}: a formula explains numbers")
    if texts:
        numbers = [name for name in header if name not in (*texts, target)]
        raise DataError(
            f"{path} has no number in {', '.join(map(repr, texts))}: choose from the other columns with --columns, "
            f"{' '.join(numbers) or 'of which there are none'}"
        )
    values = {name: _numbers(path, rows, header.index(name), name) for name in (*chosen, target)}
    if np.ptp(values[target]) == 0:
        raise DataError(
            f"the target {target!r} is {values[target][0]} in all {len(rows)} rows: there is nothing to explain"
        )
    kept = tuple(name for name in chosen if np.ptp(values[name]) > 0)
    if not kept:
        raise DataError(f"no column of {path} varies beside {target!r}: there is nothing to explain it by")
    dropped = tuple(name for name in chosen if name not in kept)
    return CsvTable(np.stack([values[name] for name in kept], 1), values[target], kept, dropped)


class _Row(NamedTuple):
    """The cells of a line, and its number in the file."""

    line: int
    cells: list[str]


def _cells(path: Path) -> tuple[list[str], list[_Row]]:
    """The names of the columns, and the rows that are not empty."""
    if not path.is_file():
        raise DataError(f"{path} does not exist: give a CSV file whose first line names its columns")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not a text file in UTF-8 ({error.reason}): save it as CSV in UTF-8") from error
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    reader = csv.reader(lines, delimiter=max(",;\t", key=first.count), strict=True)
    try:
        rows = [_Row(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise DataError(f"line {reader.line_num} of {path} cannot be read ({error}): mend its quotes") from error
    if not rows:
        raise DataError(f"{path} is empty: its first line must name the columns")
    header = [cell.strip() for cell in rows[0].cells]
    if all(map(_is_number, header)):
        raise DataError(f"the first line of {path} must name the columns, and holds the numbers {', '.join(header)}")
    if len(set(header)) < len(header) or "" in header:
        raise DataError(f"the first line of {path} must give each column a name of its own, got {', '.join(header)}")
    for line, cells in rows[1:]:
        if len(cells) != len(header):
            raise DataError(f"line {line} of {path} has {len(cells)} cells and the first has {len(header)}")
    return header, rows[1:]


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell)) and "_" not in cell
    except ValueError:
        return False


def _numbers(path: str | Path, rows: list[_Row], place: int, name: str) -> np.ndarray:
    for line, cells in rows:
        if not _is_number(cells[place]):
            raise DataError(
                f"line {line} of {path} holds {cells[place]!r} in column {name!r}, which is no finite number: drop the "
                "line, or leave out the column with --columns"
            )
    return np.array([float(row.cells[place]) for row in rows])
