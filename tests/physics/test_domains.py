import math

import pytest
import torch

from edgewise import ConfigError
from edgewise.physics import Box, Disc
from edgewise.testing import assert_within

DOMAINS = {
    "interval": (Box([1], [3]), 2.0),
    "box": (Box([-1, 0, 2], [1, 3, 2.5]), 3.0),
    "disc": (Disc([1, -1], 2), 4 * math.pi),
    "ball": (Disc([0, 0, 1], 0.5), math.pi / 6),
}


@pytest.mark.parametrize("name", DOMAINS)
def test_points_inside_fill_the_domain_evenly(name):
    domain, size = DOMAINS[name]
    x = domain.inside(2000, seed=1)
    low, high = domain.bounds
    assert x.shape == (2000, len(low))
    assert x.dtype == torch.double
    assert domain.contains(x).all()
    assert torch.equal(x, domain.inside(2000, seed=1))
    assert not torch.equal(x, domain.inside(2000, seed=2))
    around = low + (high - low) * torch.rand(20000, len(low)).double()
    share = domain.contains(around).double().mean().item()
    assert share == pytest.approx(size / (high - low).prod().item(), abs=0.02)
    assert_within(x.mean(0), (low + high) / 2, 0.03)


@pytest.mark.parametrize("name", DOMAINS)
def test_the_edge_its_normals_and_the_wall_belong_together(name):
    domain, _ = DOMAINS[name]
    x = domain.edge(200)
    normals = domain.normals(x)
    assert_within(normals.norm(dim=1), torch.ones(len(x)).double(), 1e-12)
    assert domain.contains(x - 1e-6 * normals).all()
    assert not domain.contains(x + 1e-6 * normals).any()
    assert domain.wall(x).abs().max() < 1e-12
    assert (domain.wall(domain.inside(200)) > 0).all()
    assert (domain.wall(x - 1e-6 * normals) > 1e-9).all()


def test_points_on_the_faces_of_a_box_are_as_many_as_their_area():
    x = Box([0, 0], [1, 9]).edge(4000)
    assert ((x[:, 0] == 0) | (x[:, 0] == 1)).double().mean().item() == pytest.approx(0.9, abs=0.03)
    start = Box([0, 5], [1, 9]).face(1, "low", 7)
    assert start[:, 1].tolist() == [5.0] * 7
    assert start[:, 0].unique().numel() == 7


@pytest.mark.parametrize(
    "make",
    [
        lambda: Box([0], [0]),
        lambda: Box([0, 1], [1]),
        lambda: Box([], []),
        lambda: Box([0], [math.inf]),
        lambda: Disc([0, 0], 0),
        lambda: Disc([0], 1),
        lambda: Disc([0, math.nan], 1),
    ],
)
def test_a_domain_without_interior_is_refused(make):
    with pytest.raises(ConfigError, match="has no interior"):
        make()


@pytest.mark.parametrize("name", DOMAINS)
def test_how_far_points_are_from_the_edge(name):
    domain, _ = DOMAINS[name]
    x = domain.edge(50)
    assert domain.distance(x).max() < 1e-12
    near = x + 0.001 * domain.normals(x)
    assert_within(domain.distance(near), torch.full((len(x),), 0.001, dtype=torch.double), 1e-9)
    assert_within(domain.distance(x - 0.001 * domain.normals(x)), torch.full((len(x),), 0.001, dtype=torch.double), 1e-9)
    assert domain.beyond(near).all()
    assert not domain.beyond(torch.cat([x, x.float().double(), domain.inside(50)])).any()


def test_the_corner_of_a_box_is_as_far_as_pythagoras_says():
    found = Box([0, 0], [2, 2]).distance(torch.tensor([[5.0, 6.0], [1.0, -2.0], [0.5, 1.0]]))
    assert_within(found, torch.tensor([5.0, 2.0, 0.5]), 1e-6)


@pytest.mark.parametrize("name", DOMAINS)
def test_points_that_do_not_fit_are_refused(name):
    domain, _ = DOMAINS[name]
    for count in (0, -3, 2.5):
        for ask in (domain.inside, domain.edge):
            with pytest.raises(ConfigError, match=f"count is a whole number of at least 1, got {count}"):
                ask(count)
    with pytest.raises(ConfigError, match=r"normals are of points on the edge of .*: take points of edge\(\)"):
        domain.normals(domain.inside(5))
    for ask in (domain.contains, domain.normals, domain.wall, domain.distance):
        with pytest.raises(ConfigError, match=r"coordinates each, shape \(N, \d\), got shape \(2, 7\)"):
            ask(torch.zeros(2, 7))


def test_impossible_points_are_refused():
    with pytest.raises(ConfigError, match="a face is a column below 1 and 'low' or 'high', got 1 and 'low'"):
        Box([0], [1]).face(1, "low", 3)

    class Empty(Box):
        def contains(self, x):
            return x[:, 0] > 5

    with pytest.raises(ConfigError, match="has next to no interior"):
        Empty([0], [1]).inside(3)
