import json

import numpy as np
import pytest
import torch

from edgewise._ground.errors import ConfigError
from edgewise.bases import BSpline, Chebyshev
from edgewise.kan import KAN
from edgewise.kan.width import nearest_pairs, parse_bases, parse_width


def has_ties(inputs: int, outputs: int) -> bool:
    """Whether a node has two nearest ones: pykan then takes that which rounding errors favour, here it is the first."""
    places = (np.arange(n) * 2 + 1 for n in (outputs, inputs))
    distance = np.abs(np.subtract.outer(*(p * n for p, n in zip(places, (inputs, outputs), strict=True))))
    return any(((distance == distance.min(axis, keepdims=True)).sum(axis) > 1).any() for axis in (0, 1))


def test_nearest_pairs_are_those_of_pykan():
    sparse_mask = pytest.importorskip("kan").utils.sparse_mask
    sizes = [(i, o) for i in range(1, 16) for o in range(1, 16) if not has_ties(i, o)]
    assert len(sizes) > 80
    for size in sizes:
        assert torch.equal(nearest_pairs(*size).T, sparse_mask(*size) > 0), size


def test_of_two_nearest_the_first():
    assert nearest_pairs(2, 1).tolist() == [[True, True]]
    assert nearest_pairs(2, 3).int().tolist() == [[1, 0], [1, 0], [0, 1]]


def test_nearest_pairs_leave_no_node_alone():
    for inputs in range(1, 30):
        for outputs in range(1, 30):
            mask = nearest_pairs(inputs, outputs)
            assert mask.any(0).all()
            assert mask.any(1).all()
            assert mask.sum() <= inputs + outputs


@pytest.mark.parametrize(
    ("width", "arity", "expected"),
    [
        ([2, 5, 1], 2, [(2, ()), (5, ()), (1, ())]),
        ((2, [1, 2], [0, 1]), 3, [(2, ()), (1, (3, 3)), (0, (3,))]),
        ([[2, 0], [1, 2], [1, 0]], [[], [2, 3], []], [(2, ()), (1, (2, 3)), (1, ())]),
        ([2, [1, 2], 1], [[], [2, 3]], [(2, ()), (1, (2, 3)), (1, ())]),  # nothing multiplies at the end
        ([2, [0, [4, 2]], 1], 3, [(2, ()), (0, (4, 2)), (1, ())]),
        ([np.int64(2), [np.int32(1), np.int64(1)], np.int64(1)], np.int64(3), [(2, ()), (1, (3,)), (1, ())]),
        (np.array([3, 2]), 2, [(3, ()), (2, ())]),
    ],
    ids=str,
)
def test_widths_as_their_users_write_them(width, arity, expected):
    found = parse_width(width, arity)
    assert found == expected
    assert json.dumps(found)  # ints of Python, whatever came


@pytest.mark.parametrize(
    ("width", "arity", "message"),
    [
        ([3], 2, r"at least the inputs and the outputs, such as \[2, 5, 1\], got \[3\]"),
        ("25", 2, "at least the inputs and the outputs"),
        (7, 2, "at least the inputs and the outputs"),
        ([3, 0], 2, r"at least 1 node, got 0 in \[3, 0\]"),
        ([3, -1, 1], 2, "at least 1 node, got -1"),
        ([3, [-1, 2], 1], 2, "at least 1 node"),
        ([2, 5.0, 1], 2, r"must be n, \[n, m\] or \[n, \[arity, ...\]\], got 5.0"),
        ([2, [1, 2, 3], 1], 2, r"got \[1, 2, 3\]"),
        ([2, [1, "a"], 1], 2, "got"),
        ([2, [1, [2.5]], 1], 2, "got"),
        ([2, "51", 1], 2, "got 51"),
        ([[1, 1], 5, 1], 2, "inputs are not multiplied"),
        ([2, [1, 2], 1], [[], [2], []], r"place 1 has 2 of them, got \[\[\], \[2\], \[\]\]"),
        ([2, [1, 2], 1], [[2, 3]], "mult_arity must be a number, or"),
        ([2, [1, 2], 1], [2, 2], "mult_arity must be a number, or"),
        ([2, [1, 2], 1], [], "place 1 has 2 of them"),
    ],
    ids=str,
)
def test_impossible_widths_are_refused(width, arity, message):
    with pytest.raises(ConfigError, match=message):
        parse_width(width, arity)


def test_arities_below_two_are_refused_by_the_layer():
    with pytest.raises(ConfigError, match="arities be at least 2"):
        KAN([2, [1, 1], 1], mult_arity=1)


def test_grids_and_degrees_of_each_layer():
    assert parse_bases(BSpline(), None, None, 2) == [BSpline(), BSpline()]
    assert parse_bases(BSpline(outside="clamp"), [3, 7], 2, 2) == [
        BSpline(3, 2, outside="clamp"),
        BSpline(7, 2, outside="clamp"),
    ]
    assert parse_bases([Chebyshev(3), BSpline()], None, None, 2) == [Chebyshev(3), BSpline()]
    grids = parse_bases(BSpline(), np.int64(4), np.int64(2), 1)
    assert [type(n) for n in (grids[0].grid_size, grids[0].degree)] == [int, int]


@pytest.mark.parametrize(
    ("basis", "grid", "k", "message"),
    [
        (BSpline(), [3], None, "2 layers need so many bases and grids, got 2 and 1"),
        ([BSpline()] * 3, None, None, "got 3 and 2"),
        (Chebyshev(3), 5, None, "grid and k are for B-splines; give Chebyshev its own settings"),
        (Chebyshev(3), None, 2, "grid and k are for B-splines"),
        (BSpline(), 0, None, "grid_size must be at least 1, got 0"),
        (BSpline(), None, 6, "degree must be from 0 to 5, got 6"),
    ],
    ids=str,
)
def test_bases_that_do_not_fit_are_refused(basis, grid, k, message):
    with pytest.raises(ConfigError, match=message):
        parse_bases(basis, grid, k, 2)
