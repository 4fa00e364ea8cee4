"""The cells of Excel workbooks and Parquet files, as pandas reads them."""

import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from edgewise._ground.errors import DataError
from edgewise._ground.optional import require
from edgewise.kan.tables.cells import Cells, cells_of


def excel_cells(path: Path) -> Cells:
    """The cells of the one sheet of a workbook (.xlsx) that has any.

    Raises:
        DataError: It cannot be read, or several sheets have cells.
        MissingPackageError: pandas or openpyxl is missing.
    """
    pandas = require("pandas", extra="tables")
    require("openpyxl", extra="tables")
    as_it_is = {"sheet_name": None, "header": None, "dtype": object, "na_filter": False, "engine": "openpyxl"}
    sheets = _read(path, "an Excel workbook", lambda: pandas.read_excel(path, **as_it_is))
    filled = {name: rows for name, frame in sheets.items() if any(map(any, rows := _texts(frame)))}
    if len(filled) > 1:
        raise DataError(f"{path} has several sheets with cells, {', '.join(filled)}: keep one, or save the one as CSV")
    rows = next(iter(filled.values()), [])
    places = [place for place in range(len(rows[0]) if rows else 0) if any(row[place] for row in rows)]
    return cells_of(path, ((line, [row[place] for place in places]) for line, row in enumerate(rows, 1)))


def parquet_cells(path: Path) -> Cells:
    """The cells of a Parquet file; an index that has a name is a column.

    Raises:
        DataError: It cannot be read.
        MissingPackageError: pandas or pyarrow is missing.
    """
    pandas = require("pandas", extra="tables")
    require("pyarrow", extra="tables")
    frame = _read(path, "a Parquet file", lambda: pandas.read_parquet(path, engine="pyarrow"))
    frame = frame.reset_index() if any(frame.index.names) else frame
    return cells_of(path, enumerate([list(map(str, frame.columns)), *_texts(frame)], 1))


def _read(path: Path, kind: str, read: Callable[[], Any]) -> Any:
    """What a parser makes of a file, or a sentence instead of whatever error it raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and rules of input, which are not read
            return read()
    except Exception as error:
        raise DataError(f"{path} cannot be read as {kind} ({type(error).__name__}: {error}): save it again") from error


def _texts(frame: Any) -> list[list[str]]:
    """The cells of a frame as texts: nothing for what is missing, dates as ISO 8601 has them."""
    values = frame.astype(object).where(frame.notna(), "").to_numpy().tolist()
    return [[_text(value) for value in row] for row in values]


def _text(value: object) -> str:
    if isinstance(value, date):  # datetimes are dates too
        return value.isoformat().removesuffix("T00:00:00")
    return str(value).strip()
