"""Tables of two columns, a name and what is said of it, as people and spreadsheets write them."""

import csv
import io
import re
from pathlib import Path

from edgewise._ground.errors import DataError
from edgewise.vision.data.below import composed

FIRST_CELL = re.compile(r'\s*(?:"(?:[^"]|"")*"|[^,;\t"]*)\s*([,;\t])')
"""The first cell of a line and the mark behind it."""


def read_pairs(path: Path, columns: str) -> list[tuple[str, str]]:
    """The first two cells of each line of a CSV file in UTF-8, names composed.

    Cells are parted by what stands behind the first one of the file: a comma, a semicolon or a tab.

    Args:
        path: The file.
        columns: What the two columns are, for errors.

    Raises:
        DataError: The file cannot be read, is of another encoding, or has a line of one cell.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not in UTF-8 ({error.reason} at byte {error.start}): save it as CSV UTF-8") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): give it the rights, or bring it back") from error
    mark = FIRST_CELL.match(text)
    cells = csv.reader(io.StringIO(text, newline=""), delimiter=mark[1] if mark else ",", skipinitialspace=True)
    rows = [[cell.strip() for cell in row] for row in cells if any(map(str.strip, row))]
    if short := [row for row in rows if len(row) < 2]:
        raise DataError(
            f"{path} has the line {short[0]} and needs two columns, {columns}: part them by a comma, a semicolon or a tab"
        )
    return [(composed(row[0]), row[1]) for row in rows]
