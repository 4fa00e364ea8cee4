"""The cells of a file, of whichever kind its content shows it to be."""

from pathlib import Path

from edgewise._ground.errors import DataError
from edgewise.kan.tables.cells import Cells
from edgewise.kan.tables.csv_file import csv_cells
from edgewise.kan.tables.frame_file import excel_cells, parquet_cells

ZIP, PARQUET, OLD_EXCEL = b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0"  # how files of a kind begin


def read_cells(path: str | Path) -> Cells:
    """The cells of a CSV file, an Excel workbook (.xlsx) or a Parquet file.

    Args:
        path: The file; its first bytes say what it is, whatever it is called.

    Raises:
        DataError: It does not exist or is no such file, its first line does not name its columns, or its lines differ in
            length.
        MissingPackageError: pandas is missing, or what it reads such files with.
    """
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path} is a folder: give a file with a table, whose first line names its columns")
    if not path.is_file():
        raise DataError(f"{path} does not exist: give a CSV file whose first line names its columns")
    data = path.read_bytes()
    if data.startswith(ZIP):
        return excel_cells(path)
    if data.startswith(PARQUET):
        return parquet_cells(path)
    if data.startswith(OLD_EXCEL):
        raise DataError(f"{path} is a workbook of an old kind (.xls): save it as .xlsx or as CSV")
    return csv_cells(path, data)
