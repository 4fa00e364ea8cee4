"""Which sign is the decimal one in the cells of a table: the point or the comma."""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from edgewise._ground.errors import DataError
from edgewise.kan.tables.cells import Cells, is_number

Decimal = Literal["point", "comma"]
SIGNS: dict[Decimal, tuple[str, str]] = {"point": (".", ","), "comma": (",", ".")}
"""The sign before a fraction, and the one between thousands."""
WAYS = "say which with --decimal point or --decimal comma"


def with_point(cell: str, decimal: Decimal) -> str:
    """A cell as Python writes numbers; as it was, if it is no number with that decimal sign.

    Example:
        >>> with_point("1.234,5", "comma"), with_point("1,234.5", "point"), with_point("1.5", "comma")
        ('1234.5', '1234.5', 'no number: 1.5')
    """
    sign, other = SIGNS[decimal]
    if other in cell:
        if not _is_grouped(cell, sign, other):
            return f"no number: {cell}"
        cell = cell.replace(other, "")
    return cell.replace(sign, ".")


def decimal_of(table: Cells, names: Iterable[str]) -> Decimal:
    """The decimal sign of the numbers in some columns, where it follows from them.

    A comma is decimal if it must be and if no number has a point, or one has points between thousands.

    Raises:
        DataError: Some numbers have points and others commas, or what there is could part thousands as well.
    """
    columns = [table.column(name) for name in names]
    signed = [cell for column in columns for cell in column if ("," in cell or "." in cell)]
    ways: dict[Decimal, set[str]] = {way: {cell for cell in signed if is_number(with_point(cell, way))} for way in SIGNS}
    numbers = ways["point"] | ways["comma"]
    commas, points = ({cell for cell in numbers if sign in cell} for sign in (",", "."))
    if not commas:
        if doubted := _could_be_thousands(table, columns, points):
            raise _doubt(table, doubted)
        return "point"
    fitting: list[Decimal] = [way for way in SIGNS if ways[way] == numbers]
    if len(fitting) == 2:
        raise _doubt(table, commas)
    if not fitting or (points and not commas & points):
        comma, point = _first(table, commas - points or commas), _first(table, points - commas or points)
        raise DataError(
            f"line {comma[0]} of {table.path} holds {comma[1]!r}, and there is {point[1]!r} too: write all numbers with a "
            "decimal point, and none with commas"
        )
    return fitting[0]


def _is_grouped(cell: str, sign: str, other: str) -> bool:
    return re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}(\{other}\d{{3}})+(\{sign}\d*)?", cell) is not None


def _could_be_thousands(table: Cells, columns: Sequence[list[str]], points: set[str]) -> set[str]:
    """Numbers with points that may be thousands: between semicolons, all of three digits, some in their column without."""
    if table.separator != ";" or not points or not all(_is_grouped(cell, ",", ".") for cell in points):
        return set()
    return points if any(points & set(c) and any(cell.strip("+-").isdigit() for cell in c) for c in columns) else set()


def _doubt(table: Cells, cells: set[str]) -> DataError:
    line, cell = _first(table, cells)
    return DataError(f"line {line} of {table.path} holds {cell!r}, which may be a fraction or thousands: {WAYS}")


def _first(table: Cells, cells: set[str]) -> tuple[int, str]:
    """The first of some cells, and its line."""
    return next((row.line, cell) for row in table.rows for cell in row.cells if cell in cells)
