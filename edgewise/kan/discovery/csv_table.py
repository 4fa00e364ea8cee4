"""Tables of numbers in CSV files."""

import difflib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgewise._ground.errors import DataError
from edgewise.kan.discovery.csv_cells import Row, is_number, read_cells, with_points


@dataclass(frozen=True)
class CsvTable:
    """Columns of a file that a target is to be explained by.

    Attributes:
        x: ``(rows, columns)``.
        y: The target, ``(rows,)``.
        names: Of the columns of x.
        dropped: Columns left out because they do not vary.
        commas: Whether its fractions are written with commas.
    """

    x: np.ndarray
    y: np.ndarray
    names: tuple[str, ...]
    dropped: tuple[str, ...]
    commas: bool = False


def read_csv(path: str | Path, target: str, columns: Sequence[str] | None = None) -> CsvTable:
    """Read a table whose first line names its columns; the separator is a comma, a semicolon or a tab.

    Fractions may be written with commas, where all are.

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
    header, rows = read_cells(Path(path))
    for name in (target, *(columns or ())):
        if name not in header:
            near = difflib.get_close_matches(name, header, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise DataError(f"{path} has no column {name!r}; {hint}its columns: {', '.join(header)}")
    chosen = [name for name in columns or header if name != target]
    if not chosen or len(rows) < 2:
        raise DataError(f"{path} has {len(rows)} rows and {len(chosen)} columns beside {target!r}: 2 and 1 are the least")
    rows, commas = with_points(path, rows, [header.index(name) for name in (*chosen, target)])
    _check_numbers(path, header, rows, chosen, target)
    values = {name: np.array([float(row.cells[header.index(name)]) for row in rows]) for name in (*chosen, target)}
    if np.ptp(values[target]) == 0:
        raise DataError(
            f"the target {target!r} is {values[target][0]} in all {len(rows)} rows: there is nothing to explain"
        )
    kept = tuple(name for name in chosen if np.ptp(values[name]) > 0)
    if not kept:
        raise DataError(f"no column of {path} varies beside {target!r}: there is nothing to explain it by")
    dropped = tuple(name for name in chosen if name not in kept)
    return CsvTable(np.stack([values[name] for name in kept], 1), values[target], kept, dropped, commas)


def read_rows(path: str | Path, columns: Sequence[str]) -> tuple[list[str], list[list[str]], np.ndarray]:
    """A table of new rows: its header, its cells as they are, and the numbers of some columns, ``(rows, columns)``.

    Raises:
        DataError: A column is missing, or a cell of it is no finite number.
    """
    header, rows = read_cells(Path(path))
    if missing := [name for name in columns if name not in header]:
        raise DataError(
            f"{path} has no column {', '.join(map(repr, missing))}: the network takes {', '.join(map(repr, columns))}, and "
            f"the file has {', '.join(map(repr, header))}"
        )
    if not rows:
        raise DataError(f"{path} has no row below its header: give it rows to predict")
    points, _ = with_points(path, rows, [header.index(name) for name in columns])
    _check_numbers(path, header, points, columns, columns[0])
    x = [[float(row.cells[header.index(name)]) for name in columns] for row in points]
    return header, [row.cells for row in rows], np.array(x)


def _check_numbers(path: str | Path, header: list[str], rows: Sequence[Row], chosen: Sequence[str], target: str) -> None:
    """Refuse columns of text and cells that are no numbers, all of them at once."""
    bad = {name: [row for row in rows if not is_number(row.cells[header.index(name)])] for name in (*chosen, target)}
    gaps = {name: found for name, found in bad.items() if 0 < len(found) < len(rows)}
    texts = [name for name, found in bad.items() if len(found) == len(rows)]
    if target in texts:
        raise DataError(f"the target {target!r} has no number in {path}: a formula explains numbers")
    whole = shlex.join(name for name in header if name != target and all(_of(row, header, name) for row in rows))
    counts = ", ".join(f"{len(found)} in {name!r}" for name, found in gaps.items())
    if texts:
        also = f" (and {counts} cells are no finite numbers)" if gaps else ""
        raise DataError(
            f"{path} has no number in {', '.join(map(repr, texts))}{also}: choose from the other columns with --columns, "
            f"{whole or 'of which there are none'}"
        )
    if gaps:
        name, (first, *_) = next(iter(gaps.items()))
        lines = len({row.line for found in gaps.values() for row in found})
        else_ = f", or leave the columns out with --columns {whole}" if whole and target not in gaps else ""
        raise DataError(
            f"line {first.line} of {path} holds {first.cells[header.index(name)]!r} in column {name!r}, which is no finite "
            f"number; of such cells there are {counts}: drop these {lines} of {len(rows)} lines{else_}"
        )


def _of(row: Row, header: list[str], name: str) -> bool:
    """Whether a row has a number in a column."""
    return is_number(row.cells[header.index(name)])
