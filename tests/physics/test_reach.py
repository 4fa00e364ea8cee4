"""Points beyond a wall, and beyond grids that stay where they are."""

import pytest
import torch

from edgewise import ConfigError, EdgewiseWarning
from edgewise._ground.quiet import quiet
from edgewise.bases import Chebyshev, Sine, Squashed
from edgewise.kan import KAN
from edgewise.physics import Box, Disc, Problem, Separable, Term, Walled, around, solve
from edgewise.physics.reach import check_reach


def slope(x):
    return Problem([Term("law", x, lambda u: u.d(0) + u.value)])


def test_a_walled_network_is_asked_within_its_domain_only():
    disc = Disc([0, 0], 2)
    model, x = Walled(KAN([2, 1]), disc).double(), disc.inside(40)
    check_reach(model, slope(torch.cat([x, disc.edge(20), disc.edge(20).float().double()])), moves=True)
    beyond = torch.cat([x, torch.tensor([[2.0, 1.0], [0.0, -2.1]])])
    with pytest.raises(ConfigError, match=r"2 of the points of 'law' lie outside Disc\(\[0.0, 0.0\], 2.0\), within which"):
        solve(model, slope(beyond))
    check_reach(Walled(KAN([2, 1]), disc.wall).double(), slope(beyond), moves=True)  # a function may end anywhere


def test_an_other_face_that_the_grid_does_not_reach_is_told():
    """x = 1 is x = -1, for a network on [-1, 1]; and one period too far."""
    x = Box([-1, 0], [1, 1]).face(0, "low", 30)
    model = KAN([2, 1]).double()
    round_it = Problem([Term("round", x, lambda u: around(u, 0, 2.0))])
    too_far = Problem([Term("round", x, lambda u: around(u, 0, 4.0))])
    check_reach(model, round_it, moves=False)
    check_reach(model, too_far, moves=True)
    message = "25 % of the numbers that the network is given by 'round' lie beyond its grid"
    for warned in (
        lambda: check_reach(model, too_far, moves=False),
        lambda: solve(model, too_far, steps=1, grid_updates=0),
    ):
        with pytest.warns(EdgewiseWarning, match=message), quiet("no equation depends on"):
            warned()


def test_each_grid_is_told_of_once_and_by_its_name():
    x = 5 + Box([0, 0], [1, 1]).inside(60)
    problem = Problem([*slope(x).terms, Term("again", x, lambda u: u.value)])
    with pytest.warns(EdgewiseWarning, match="100 % of the numbers that") as told:
        check_reach(Separable(2, rank=2).double(), problem, moves=False)
    assert [str(one.message).split()[6] for one in told] == ["factors.0", "factors.1"]


def test_functions_without_an_end_are_not_told_of():
    problem = slope(torch.linspace(-9, 9, 40).double().unsqueeze(1))
    for basis in (Squashed(Chebyshev()), Sine()):
        check_reach(KAN([1, 1], basis).double(), problem, moves=False)


def test_functions_without_a_grid_to_move_are_told_of_even_so():
    with pytest.warns(EdgewiseWarning, match="lie beyond its grid, where it cannot bend"):
        check_reach(KAN([1, 1], Chebyshev()).double(), slope(torch.linspace(-3, 3, 40).double().unsqueeze(1)), moves=True)
