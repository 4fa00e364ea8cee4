"""The cells of a CSV file, and the numbers in them, written with points or with commas."""

import csv
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from edgewise._ground.errors import DataError

COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?")
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
"""What could be thousands as well."""
POINT = re.compile(r"[+-]?(\d+\.\d*|\.\d+)([eE][+-]?\d+)?")


class Row(NamedTuple):
    """The cells of a line, and its number in the file."""

    line: int
    cells: list[str]


def read_cells(path: Path) -> tuple[list[str], list[Row]]:
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
        rows = [Row(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise DataError(f"line {reader.line_num} of {path} cannot be read ({error}): mend its quotes") from error
    if not rows:
        raise DataError(f"{path} is empty: its first line must name the columns")
    header = [cell.strip() for cell in rows[0].cells]
    if all(map(is_number, header)):
        raise DataError(f"the first line of {path} must name the columns, and holds the numbers {', '.join(header)}")
    if len(set(header)) < len(header) or "" in header:
        raise DataError(f"the first line of {path} must give each column a name of its own, got {', '.join(header)}")
    for line, cells in rows[1:]:
        if len(cells) != len(header):
            hint = (
                ": where commas are decimals, put semicolons between the columns" if reader.dialect.delimiter == "," else ""
            )
            raise DataError(f"line {line} of {path} has {len(cells)} cells and the first has {len(header)}{hint}")
    return header, rows[1:]


def is_number(cell: str) -> bool:
    """Whether a cell is a finite number, with a point if there is a fraction.

    Example:
        >>> [is_number(cell) for cell in ("1.5", "1e3", "1,5", "nan", "", "1_000")]
        [True, True, False, False, False, False]
    """
    try:
        return math.isfinite(float(cell)) and "_" not in cell
    except ValueError:
        return False


def with_points(path: str | Path, rows: Sequence[Row], places: Sequence[int]) -> tuple[list[Row], bool]:
    """The rows with points in the place of decimal commas, and whether there were any.

    Args:
        path: For errors.
        rows: The rows.
        places: Of the columns that are numbers.

    Raises:
        DataError: Some numbers have points and others commas, or all commas could part thousands as well.
    """
    commas = [(row, row.cells[p].strip()) for row in rows for p in places if COMMA.fullmatch(row.cells[p].strip())]
    commas += [(row, row.cells[p].strip()) for row in rows for p in places if GROUPED.fullmatch(row.cells[p].strip())]
    if not commas:
        return list(rows), False
    row, first = commas[0]
    point = next((r.cells[p].strip() for r in rows for p in places if POINT.fullmatch(r.cells[p].strip())), None)
    if point is not None:
        raise DataError(
            f"line {row.line} of {path} holds {first!r}, and there is {point!r} too: write all numbers with a "
            "decimal point, and none with commas"
        )
    if all(GROUPED.fullmatch(cell) for _, cell in commas):
        raise DataError(
            f"line {row.line} of {path} holds {first!r}, which may be a fraction or thousands: write numbers with a "
            "decimal point and no other sign"
        )
    changed = set(places)
    cells = ([cell.replace(",", ".") if p in changed else cell for p, cell in enumerate(r.cells)] for r in rows)
    return [Row(r.line, new) for r, new in zip(rows, cells, strict=True)], True
