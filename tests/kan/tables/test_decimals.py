import pytest

from edgewise._ground.errors import DataError
from edgewise.kan.tables.csv_file import csv_cells
from edgewise.kan.tables.decimals import decimal_of, with_point


def table(tmp_path, text):
    return csv_cells(tmp_path / "t.csv", text.encode())


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("a;b\n1;2\n", "point"),
        ("a;b\n1,5;2\n", "comma"),
        ("a;b\n1.234,5;1.500\n", "comma"),  # a cell with both says it
        ('a,b\n"1,234.5","1,500"\n', "point"),
        ("a;b\n1.234,5;red\n7;1e3\n", "comma"),
        ("a;b\n1.2345;2\n", "point"),
        ("a;b\n1.234;0.5\n3;2\n", "point"),
        ("a;b\n1.234;2\n5.678;3\n", "point"),  # no whole number stands beside them in their column
        ("a,b\n1.234,2\n5,3\n", "point"),  # commas between columns part no thousands
    ],
)
def test_the_sign_follows_from_the_cells(tmp_path, text, decimal):
    assert decimal_of(table(tmp_path, text), "ab") == decimal


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a;b\n1,5;2.5\n", "line 2 of .* holds '1,5', and there is '2.5' too"),
        ("a;b\n1,500;2\n0.5;1\n", "line 2 of .* holds '1,500', and there is '0.5' too"),
        ("a;b\n1,5;1.500\n", "line 2 of .* holds '1,5', and there is '1.500' too"),
        ("a;b\n1.234,5;0.5\n", "holds '1.234,5', and there is '0.5' too"),
        (
            "a;b\n1,500;2\n",
            "'1,500', which may be a fraction or thousands: say which with --decimal point or --decimal comma",
        ),
        ("a;b\n950;2\n1.234;3\n", "line 3 of .* holds '1.234', which may be a fraction or thousands"),
    ],
)
def test_what_could_be_either_is_asked(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        decimal_of(table(tmp_path, text), "ab")


def test_numbers_of_the_other_sign_are_none():
    assert [with_point(cell, "comma") for cell in ("1,5", "-1.234.567,25", "12")] == ["1.5", "-1234567.25", "12"]
    for cell in ("1.5", "0.500", "12.34,5", "1,234.5"):
        with pytest.raises(ValueError, match="no number"):
            float(with_point(cell, "comma"))
