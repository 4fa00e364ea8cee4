"""Tables as other programs write them, read as the same table in CSV is."""

from datetime import datetime

import numpy as np
import pytest

from edgewise._ground.errors import DataError
from edgewise.kan.tables import read_table

pandas = pytest.importorskip("pandas")
FRAME = {
    "T [K]": [1.5, None, 3.0, 1e300],
    "n": [1, 2, 3, 4],
    "day": [datetime(2024, 12, 30), datetime(2024, 12, 31, 12), datetime(2025, 1, 2), datetime(2025, 1, 3)],
    "who": ["a", "b", None, "c"],
    "y": [1.0, 2.0, 4.0, 0.1],
}
COLUMNS = ("T [K]", "n", "day")


@pytest.fixture(params=["xlsx", "parquet"])
def path(request, tmp_path):
    """The table in a file; what it is called says nothing."""
    pytest.importorskip({"xlsx": "openpyxl", "parquet": "pyarrow"}[request.param])
    file, frame = tmp_path / f"table.{request.param}", pandas.DataFrame(FRAME)
    if request.param == "xlsx":
        frame.to_excel(file, index=False, startrow=2, startcol=1)  # not in the corner
    else:
        frame.set_index("day").to_parquet(file)
    return file.rename(tmp_path / "table.dat")


def test_cells_are_those_of_the_table(path, tmp_path):
    read = read_table(path, "y", COLUMNS, missing="median")
    np.testing.assert_array_equal(read.x, [[1.5, 1, 0], [3, 2, 1.5], [3, 3, 3], [1e300, 4, 4]])
    np.testing.assert_array_equal(read.y, FRAME["y"])
    pandas.DataFrame(FRAME).to_csv(tmp_path / "table.csv", index=False)
    as_text = read_table(tmp_path / "table.csv", "y", COLUMNS, missing="median")
    np.testing.assert_array_equal(as_text.x, read.x)
    assert as_text.notes == read.notes
    assert as_text.reading == read.reading


def test_texts_and_gaps_are_told(path):
    with pytest.raises(DataError, match=r"no number in 'who' \(and 1 in 'T \[K\]' cells are no finite numbers\)"):
        read_table(path, "y")


def test_a_file_cut_off_is_told(path):
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(
        DataError, match=r"table.dat cannot be read as (an Excel workbook|a Parquet file) .*: save it again"
    ):
        read_table(path, "y")


def test_of_several_sheets_none_is_guessed(tmp_path):
    pytest.importorskip("openpyxl")
    with pandas.ExcelWriter(tmp_path / "two.xlsx") as book:
        for sheet in ("May", "June"):
            pandas.DataFrame(FRAME).to_excel(book, sheet_name=sheet, index=False)
        pandas.DataFrame().to_excel(book, sheet_name="empty", index=False)
    with pytest.raises(DataError, match=r"has several sheets with cells, May, June: keep one"):
        read_table(tmp_path / "two.xlsx", "y")
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    with pytest.raises(DataError, match=r"of an old kind \(.xls\): save it as .xlsx"):
        read_table(tmp_path / "old.xls", "y")
