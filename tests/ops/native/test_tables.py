"""Windows as tables of indices."""

from edgewise.ops import Window
from edgewise.ops.native.tables import tables_of


def test_tables_of_a_padded_window():
    """A window of 3 on 2 inputs with one padded on the left: tap by tap, which row sees which place."""
    source, meets, rows = tables_of(Window((3,), (1,), ((1, 0),), (1,)), (2,))
    assert source.tolist() == [-1, 0, 1]
    assert meets.tolist() == [[0, -1, -1], [-1, 0, -1], [-1, -1, 0]]
    assert rows == 1


def test_silent_padding_is_seen_by_no_row():
    tables = tables_of(Window((3,), (1,), ((1, 1),), (1,), padding_mode="silent"), (2,))
    assert tables.meets[:, [0, -1]].eq(-1).all()


def test_reflected_pixels_have_the_source_that_they_repeat():
    assert tables_of(Window((1,), (1,), ((1, 1),), (1,), padding_mode="reflect"), (3,)).source.tolist() == [1, 0, 1, 2, 1]
