import math

import pytest
import torch

from edgewise import ConfigError
from edgewise.physics import Polygon
from edgewise.testing import assert_within

SQUARE = [(0, 0), (4, 0), (4, 4), (0, 4)]
HOLE = [(1, 1), (1, 3), (3, 3), (3, 1)]
L_SHAPE = [(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)]


@pytest.mark.parametrize(
    ("corners", "holes", "area"), [(SQUARE, [HOLE], 12.0), (L_SHAPE, [], 3.0), (L_SHAPE[::-1], [], 3.0)]
)
def test_inside_edge_normals_and_wall_belong_together(corners, holes, area):
    shape = Polygon(corners, holes)
    x, rim = shape.inside(3000), shape.edge(300)
    low, high = shape.bounds
    share = shape.contains(low + (high - low) * torch.rand(20000, 2).double()).double().mean().item()
    assert share * (high - low).prod().item() == pytest.approx(area, rel=0.03)
    normals = shape.normals(rim)
    assert shape.contains(x).all()
    assert shape.contains(rim - 1e-7 * normals).double().mean() > 0.99  # all but what is at a corner
    assert not shape.contains(rim + 1e-7 * normals).any()
    assert_within(normals.norm(dim=1), torch.ones(300).double(), 1e-12)
    assert shape.wall(rim).max() < 1e-7
    assert (shape.wall(x) > 0).all()


def test_the_divergence_theorem_holds():
    """Over the edge, the mean of x . n times its length is twice the area."""
    for shape, area, length in ((Polygon(SQUARE, [HOLE]), 12.0, 24.0), (Polygon(L_SHAPE), 3.0, 8.0)):
        rim = shape.edge(4096)
        assert (rim * shape.normals(rim)).sum(1).mean().item() * length == pytest.approx(2 * area, rel=1e-2)


def test_the_wall_rises_from_a_side_with_slope_one():
    wall = Polygon(SQUARE).wall(torch.tensor([[2.0, 1e-5], [2.0, 4 - 1e-5], [1e-5, 1.0]], dtype=torch.double))
    assert_within(wall, torch.full((3,), 1e-5).double(), 1e-4)


@pytest.mark.parametrize(
    ("corners", "holes", "message"),
    [
        ([(0, 0), (1, 1)], [], "at least 3 finite corners"),
        ([(0, 0), (1, 0), (math.nan, 1)], [], "at least 3 finite corners"),
        ([(0, 0), (1, 1), (2, 2)], [], "has no interior: its corners lie on one line"),
        ([(0, 0), (1, 2), (1, 0), (0, 1)], [], "the sides of Polygon of 4 corners and 0 holes cross"),
        (SQUARE, [[(5, 5), (6, 5), (5, 6)]], "a hole of Polygon of 4 corners and 1 holes is not within it"),
        (SQUARE, [[(1, 1), (5, 1), (5, 2)]], "cross"),
    ],
)
def test_impossible_polygons_are_refused(corners, holes, message):
    with pytest.raises(ConfigError, match=message):
        Polygon(corners, holes)
