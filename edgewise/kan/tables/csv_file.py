"""The cells of a CSV file: commas, semicolons or tabs between them."""

import codecs
import csv
import re
from pathlib import Path

from edgewise._ground.errors import DataError
from edgewise.kan.tables.cells import Cells, cells_of

SEPARATORS = ",;\t"
NAMED = re.compile(r'"?sep=(.)"?')
"""The first line with which Excel says what stands between the cells."""
QUOTED = re.compile(r'"[^"]*"')
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def csv_cells(path: Path, data: bytes) -> Cells:
    """The cells of a CSV file.

    Args:
        path: The file, for errors.
        data: What it holds, in UTF-8, or in UTF-16 with its mark.

    Raises:
        DataError: It is no text, its quotes do not match, or it is no table.
    """
    try:
        text = data.decode("utf-16" if data.startswith(UTF_16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not a text file in UTF-8 ({error.reason}): save it as CSV in UTF-8, which Excel calls "
            "'CSV UTF-8', or give the workbook (.xlsx) itself"
        ) from error
    lines = text.splitlines()
    skipped, separator = 0, None
    if lines and (named := NAMED.fullmatch(lines[0].strip())):
        skipped, separator = 1, named[1]
    separator = separator or _separator(lines)
    reader = csv.reader(lines[skipped:], delimiter=separator, strict=True)
    try:
        rows = [(reader.line_num + skipped, cells) for cells in reader]
    except csv.Error as error:
        raise DataError(f"line {reader.line_num + skipped} of {path} cannot be read ({error}): mend its quotes") from error
    return cells_of(path, rows, separator)


def _separator(lines: list[str]) -> str:
    """What parts all lines into as many cells as the first has; else what the first has most of."""
    first = QUOTED.sub("", next((line for line in lines if line.strip()), ""))
    likely = sorted(SEPARATORS, key=first.count, reverse=True)
    return next((separator for separator in likely if _is_even(lines, separator)), likely[0])


def _is_even(lines: list[str], separator: str) -> bool:
    try:
        counts = {len(cells) for cells in csv.reader(lines, delimiter=separator, strict=True) if any(map(str.strip, cells))}
    except csv.Error:
        return False
    return len(counts) == 1 and counts != {1}
