import json
import shlex

import numpy as np
import pytest

from edgewise import EdgewiseError
from edgewise.kan.tables import Reading, read_table
from edgewise.kan.tables.table import read_rows


def written(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "table.csv"
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_and_target(tmp_path, separator):
    text = "a, b ,y\n1,2,3\n\n4,5,7\n".replace(",", separator)
    table = read_table(written(tmp_path, text, "utf-8-sig"), "y")
    assert table.names == ("a", "b")
    np.testing.assert_array_equal(table.x, [[1, 2], [4, 5]])
    np.testing.assert_array_equal(table.y, [3, 7])


def test_chosen_columns_may_stand_beside_text(tmp_path):
    table = read_table(written(tmp_path, "name,a,y\nx,1,2\ny,2,3\n"), "y", ["a"])
    assert table.names == ("a",)


def test_cells_in_quotes(tmp_path):
    table = read_table(written(tmp_path, '"mass, kg","y"\n"1","2"\n2,3\n'), "y")
    assert table.names == ("mass, kg",)
    np.testing.assert_array_equal(table.y, [2, 3])


def test_columns_that_do_not_vary_are_said(tmp_path):
    assert read_table(written(tmp_path, "a,one,y\n1,1,2\n2,1,3\n"), "y").dropped == ("one",)


@pytest.mark.parametrize(
    "text",
    ["a;y\n1,5;2\n-0,25;3\n1,000;1e1\n", 'a,y\n"1,5",2\n"-,25",3\n"1,0",1e1\n', "a\ty\n+1,5\t2,0\n-0,25\t3,\n1\t1,0e1\n"],
)
def test_decimal_commas_are_decimals_where_all_are(tmp_path, text):
    table = read_table(written(tmp_path, text), "y")
    np.testing.assert_array_equal(table.x[:, 0], [1.5, -0.25, 1])
    np.testing.assert_array_equal(table.y, [2, 3, 10])
    assert "Its numbers are read with decimal commas." in table.notes


def test_commas_in_columns_that_nobody_asked_for_do_not_matter(tmp_path):
    table = read_table(written(tmp_path, "a;b;y\n1.5;1,2;2\n3;u;3\n"), "y", ["a"])
    assert table.notes == ()
    np.testing.assert_array_equal(table.x[:, 0], [1.5, 3])


def test_all_cells_that_are_no_numbers_are_told_at_once(tmp_path):
    text = "T [K],b,c d,y\n1,1,1,1\nNA,2,1,2\n,nan,2,3\n3,3,3,4\n"
    with pytest.raises(EdgewiseError) as caught:
        read_table(written(tmp_path, text), "y")
    assert "line 3 of" in str(caught.value)
    assert "there are 2 in 'T [K]', 1 in 'b': drop these 2 of 4 lines with --drop-missing, fill them" in str(caught.value)
    command = shlex.split(str(caught.value).partition("leave the columns out with ")[2])
    assert command == ["--columns", "c d"]
    read_table(written(tmp_path, text), "y", command[1:])  # as it says


def test_gaps_in_the_target_and_texts_beside_gaps(tmp_path):
    with pytest.raises(EdgewiseError, match=r"there are 1 in 'a', 2 in 'y': drop these 2 of 4 lines with --drop-missing$"):
        read_table(written(tmp_path, "a,b,y\n1,1,?\n-,2,?\n2,3,1\n3,3,2\n"), "y")
    with pytest.raises(
        EdgewiseError, match=r"no number in 'n' \(and 1 in 'a' cells are no .*: choose .* --columns, 'c d'$"
    ):
        read_table(written(tmp_path, "n,a,c d,y\nu,1,1,1\nv,-,2,2\n"), "y")


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        ("", "y", "is empty"),
        ("a,y\n1,2\n", "y", "has 1 rows and 1 columns to explain 'y' by: 2 rows and 1"),
        ("a,price\n1,2\n2,3\n", "prize", "no column 'prize'; did you mean 'price'"),
        ("a,y\n1,2\n\nred,3\n", "y", "line 4 of .* holds 'red' in column 'a', which is no finite number"),
        (
            "a,y\n1,2\n,3\n",
            "y",
            "line 3 of .* holds '' in column 'a', which is no number; of missing cells there are 1 in 'a'",
        ),
        ("a,y\n1,2\nnan,3\n", "y", "line 3 of .* holds 'nan'"),
        ("a,y\n1,2\nnan,red\n,\n", "y", "line 3 of .* holds 'red' in column 'y', which is no finite number"),
        ("a,y\n1,2\n-inf,3\n", "y", "line 3 of .* holds '-inf'"),
        ("a,y\n1,2\n1_0,3\n", "y", "line 3 of .* holds '1_0'"),
        ("a;y\n1,5;2\n3.5;3\n", "y", "line 2 of .* holds '1,5', and there is '3.5' too: write all .* with a decimal point"),
        ('a,y\n"1,500",2\n"2,000",3\n', "y", "line 2 of .* holds '1,500', which may be a fraction or thousands"),
        ("a,y\n1,5,2\n2,5,3\n", "y", "3 cells and the first has 2: where commas are decimals, put semicolons"),
        ("name,b,y,day\nu,1,2,mon\nv,2,3,tue\n", "y", "no number in 'name', 'day': choose .* with --columns, b$"),
        ("a,kind\n1,red\n2,blue\n", "kind", "the target 'kind' has no number in .*, and begins with 'red'"),
        ("1,2,3\n4,5,6\n", "y", "must name the columns, and holds the numbers 1, 2, 3"),
        ('a,y\n1,2\n"3,4\n', "y", "line 3 of .* cannot be read .*: mend its quotes"),
        ("a,y\n1,2\n3\n", "y", "line 3 of .* has 1 cells and the first has 2"),
        ("a,a,y,b,b\n1,2,3,4,5\n", "y", "a name of its own, and holds 'a' 2 times, 'b' 2 times$"),
        ("a,,y\n1,2,3\n", "y", "a name of its own, and column 2 has none$"),
        ("a b y\n1 2 3\n", "y", "no column 'y'; its columns: a b y; between columns stand commas, semicolons or tabs$"),
        (
            "d,y\n12/31/2024,1\n1/1/2025,2\n",
            "y",
            "no number in 'd': .*; dates are read as 2024-12-31 or 31.12.2024, and not as",
        ),
        ("d,y\n2024-12-31,1\n31.02.2024,2\n", "y", "no number in 'd'"),
        ("a,d\n1,2024-12-31\n2,2025-01-01\n", "d", "the target 'd' holds dates"),
        ("a,y\n1,2\n2,2\n", "y", "the target 'y' is 2.0 in all 2 rows"),
        ("a,y\n1,2\n1,3\n", "y", "nothing to explain it by"),
    ],
)
def test_what_is_no_table_is_said(tmp_path, text, target, message):
    with pytest.raises(EdgewiseError, match=message):
        read_table(written(tmp_path, text), target)


def test_missing_files_and_other_encodings(tmp_path):
    with pytest.raises(EdgewiseError, match="does not exist"):
        read_table(tmp_path / "none.csv", "y")
    path = tmp_path / "latin.csv"
    path.write_bytes("größe,y\n1,2\n".encode("latin-1"))
    with pytest.raises(EdgewiseError, match=r"not a text file in UTF-8 .*: save it as CSV in UTF-8, which Excel calls"):
        read_table(path, "y")
    with pytest.raises(EdgewiseError, match="is a folder: give a file"):
        read_table(tmp_path, "y")


def test_what_excel_writes_beside_utf_8(tmp_path):
    for text, encoding in (("größe\ty\n1\t2\n2\t3\n", "utf-16"), ("sep=;\ngröße;y\n1;2\n2;3\n", "utf-8-sig")):
        assert read_table(written(tmp_path, text, encoding), "y").names == ("größe",)
    with pytest.raises(EdgewiseError, match=r"line 4 of .* holds 'red'"):
        read_table(written(tmp_path, "sep=;\na;y\n1;2\nred;3\n"), "y")


def test_names_with_commas_part_no_columns(tmp_path):
    assert read_table(written(tmp_path, "mass, kg;y, m\n1;2\n2;3\n"), "y, m").names == ("mass, kg",)


GAPS = "a;b;day;y\n1;2;2024-12-30;1\nNA;2;2024-12-31;2\n3;3;;3\n5;1;2025-01-03 12:00;4\n4;4;2025-01-01;\n"


def test_rows_with_missing_cells_are_dropped(tmp_path):
    table = read_table(written(tmp_path, GAPS), "y", missing="drop")
    np.testing.assert_array_equal(table.x, [[1, 2, 0], [5, 1, 4.5]])
    np.testing.assert_array_equal(table.y, [1, 4])
    assert table.notes == ("'day' is read as days since 2024-12-30.", "Left out, since cells are missing: 3 of 5 rows.")


def test_missing_cells_are_filled_with_medians_but_not_the_target(tmp_path):
    table = read_table(written(tmp_path, GAPS), "y", missing="median")
    a, days = np.median([1, 3, 5, 4]), np.median([0, 1, 4.5, 2])
    np.testing.assert_array_equal(table.x, [[1, 2, 0], [a, 2, 1], [3, 3, days], [5, 1, 4.5]])
    assert table.notes[1:] == (
        "Left out, since cells are missing: 1 of 5 rows.",
        "Missing cells are filled with the median of their column: 1 in 'a' (3.5), 1 in 'day' (1.5).",
    )


def test_new_rows_are_read_as_the_old_ones_were(tmp_path):
    filled, dropped = (read_table(written(tmp_path, GAPS), "y", missing=way).reading for way in ("median", "drop"))
    path = tmp_path / "new.csv"
    path.write_text("b,day,a\n,2024-12-29,7\n1,1.1.2025 6:00,\n8,31.12.2024,9\n")
    assert Reading.from_dict(filled.columns, json.loads(json.dumps(filled.to_dict()))) == filled
    _, x, whole = read_rows(path, filled)
    np.testing.assert_array_equal(x, [[7, 2, -1], [3.5, 1, 2.25], [9, 8, 1]])
    assert whole.all()
    _, x, whole = read_rows(path, dropped)
    np.testing.assert_array_equal(x, [[9, 8, 1]])
    np.testing.assert_array_equal(whole, [False, False, True])
    asked = read_table(written(tmp_path, "a,b,y\n1,2,3\n2,3,4\n"), "y").reading
    with pytest.raises(
        EdgewiseError, match=r"line 3 of .* drop these 2 of 3 lines, or fit with --drop-missing or --impute"
    ):
        read_rows(path, asked)
    path.write_text("a,b,day\n1,2,5\n1,2,2024-12-31T00:00Z\n1,2,2024-12-31\n")
    with pytest.raises(
        EdgewiseError, match=r"line 2 of .* holds '5' in column 'day', which is no date, such as .* are 2 in"
    ):
        read_rows(path, filled)


def test_a_message_lists_no_two_hundred_names(tmp_path):
    names = [f"c{n}" for n in range(200)]
    rows = [",".join(names), ",".join("1" * 200), ",".join(["red", "", *"2" * 198])]
    path = written(tmp_path, "\n".join(rows).replace("1,1,", "red,1,", 1))
    for target in ("y", "c0", "c7"):
        with pytest.raises(EdgewiseError) as caught:
            read_table(path, target)
        assert len(str(caught.value)) < 400
