"""The cells of a table as they stand in a file, each a text."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from edgewise._ground.errors import DataError

SHOWN = 12  # names that a message lists


class Row(NamedTuple):
    """The cells of a line, and its number in the file."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Cells:
    """A table of texts whose columns have names.

    Attributes:
        path: The file.
        header: The names.
        rows: Those below them, each with a cell for each name.
        separator: What stands between the cells of a line; None where cells are known without.
    """

    path: Path
    header: list[str]
    rows: list[Row]
    separator: str | None = None

    def column(self, name: str) -> list[str]:
        """The cells of a column."""
        place = self.header.index(name)
        return [row.cells[place] for row in self.rows]


def cells_of(path: Path, rows: Iterable[tuple[int, Sequence[str]]], separator: str | None = None) -> Cells:
    """A table from the lines of a file, the first of which names the columns; empty lines are left out.

    Args:
        path: The file, for errors.
        rows: The number and the cells of each line.
        separator: What stands between the cells.

    Raises:
        DataError: There is no line, the names are numbers or not all different, or a line has more or fewer cells.
    """
    lines = [Row(line, [cell.strip() for cell in cells]) for line, cells in rows if any(cell.strip() for cell in cells)]
    if not lines:
        raise DataError(f"{path} is empty: its first line must name the columns")
    header = [" ".join(cell.split()) for cell in lines[0].cells]
    if all(map(is_number, header)):
        raise DataError(f"the first line of {path} must name the columns, and holds the numbers {listed(header)}")
    if twice := [f"{name!r} {count} times" for name, count in Counter(filter(None, header)).items() if count > 1]:
        raise DataError(f"the first line of {path} must give each column a name of its own, and holds {listed(twice)}")
    if "" in header:
        place = header.index("") + 1
        raise DataError(f"the first line of {path} must give each column a name of its own, and column {place} has none")
    for line, cells in lines[1:]:
        if len(cells) != len(header):
            hint = ": where commas are decimals, put semicolons between the columns" if separator == "," else ""
            raise DataError(f"line {line} of {path} has {len(cells)} cells and the first has {len(header)}{hint}")
    return Cells(path, header, lines[1:], separator)


def is_number(cell: str) -> bool:
    """Whether a cell is a finite number, with a point if there is a fraction.

    Example:
        >>> [is_number(cell) for cell in ("1.5", "1e3", "1,5", "nan", "", "1_000")]
        [True, True, False, False, False, False]
    """
    try:
        return abs(float(cell)) < float("inf") and "_" not in cell
    except ValueError:
        return False


def listed(names: Sequence[str]) -> str:
    """Names for a message, which has no room for hundreds.

    Example:
        >>> listed(["a", "b"]), listed([str(n) for n in range(200)])[-13:]
        ('a, b', ' and 188 more')
    """
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
