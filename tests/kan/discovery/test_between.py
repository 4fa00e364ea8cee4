"""What happens between the rows: functions that agree at rows and nowhere else."""

import math

import numpy as np
import pytest
import torch

from edgewise.kan import KAN
from edgewise.kan.discovery.between import Departure, between_rows, departure
from edgewise.kan.discovery.discover import discover


def of(*edges):
    """A network of one layer, an edge for each input."""
    model = KAN([len(edges), 1]).double()
    for into, (name, affine) in enumerate(edges):
        model.fix_symbolic(0, into, 0, name, affine)
    return model


LATTICE = torch.arange(0.0, 125.0, 5.0).double().unsqueeze(1)
SLOW = ("cos", (0.05, 0.0, 1.0, 0.0))


@pytest.mark.parametrize(
    ("edge", "wild"),
    [
        (("cos", (0.05, 0.0, 1.1, 0.0)), False),  # a tenth too large everywhere
        (("cos", (0.05 + 2 * math.pi / 5, 0.0, 1.0, 0.0)), True),  # the same at all rows
        (("cos", (-0.05, 4 * math.pi, 1.0, 0.0)), False),
        (("x", (1.0, 0.0, 0.0, 0.5)), False),  # wrong, but no more so between the rows
    ],
    ids=str,
)
def test_between_the_rows_a_formula_does_what_the_curves_do(edge, wild):
    found = departure(of(SLOW), of(edge), LATTICE, between_rows(LATTICE))
    assert found.is_wild == wild


@pytest.mark.parametrize(
    ("name", "affine"),
    [("1/x", (1.0, -62.5, 1e-9, 0.0)), ("1/x^2", (2.0, -3.0, 1e-9, 0.0)), ("tan", (0.01, 1.0, 1e-9, 0.0))],
)
def test_a_needle_between_rows_is_seen_however_thin(name, affine):
    curves = KAN([1, 1, 1]).double()
    curves.fix_symbolic(0, 0, 0, *SLOW)
    curves.fix_symbolic(1, 0, 0, "x")
    needle = KAN([1, 2, 1]).double()
    needle.fix_symbolic(0, 0, 0, *SLOW)
    needle.fix_symbolic(0, 0, 1, name, affine)
    needle.fix_symbolic(1, 0, 0, "x")
    needle.fix_symbolic(1, 1, 0, "x")
    found = departure(curves, needle, LATTICE, between_rows(LATTICE))
    assert found.rows < 1e-6
    assert found.between == math.inf
    assert found.is_wild


def test_a_pole_that_the_rows_know_of_is_none_of_these():
    x = torch.cat([torch.linspace(-1, -0.01, 50), torch.linspace(0.01, 1, 50)]).double().unsqueeze(1)
    line, hyperbola = of(("x", (1.0, 0.0, 20.0, 0.0))), of(("1/x", (1.0, 0.0, 1.0, 0.0)))
    assert not departure(line, hyperbola, x, between_rows(x)).is_wild


def test_points_lie_on_the_ways_between_neighbours():
    x = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]).double()
    points = between_rows(x).points
    on_sides = ((points == 0) | (points == 1)).any(1)
    assert on_sides.all()
    assert (((points > 0) & (points < 1)).sum(0) > 10).all()
    assert between_rows(torch.ones(3, 2)).points.shape == (0, 2)
    line = between_rows(LATTICE).points
    gaps = np.diff(np.sort(np.r_[line[:, 0].numpy(), LATTICE[:, 0].numpy()]))
    assert gaps.max() < 0.4  # a mesh over the whole range


def test_a_straight_line_between_two_rows_is_never_wild():
    """Whatever curves do there."""
    x = torch.tensor([[0.0], [1.0]]).double()
    curves, line = of(("sin", (3.5 * math.pi, 0.0, -1.0, 0.0))), of(("x", (1.0, 0.0, 1.0, 0.0)))
    assert departure(curves, line, x, between_rows(x)).between < 1e-12
    assert departure(line, curves, x, between_rows(x)).is_wild


def test_what_is_wild():
    assert not Departure(0.01, 0.05).is_wild
    assert not Departure(0.2, 1.0).is_wild
    assert Departure(0.01, 1.0).is_wild
    assert Departure(0.01, math.inf).is_wild
    assert not Departure(5.0, math.inf).is_wild


@pytest.mark.parametrize("hidden", [(), pytest.param((5,), marks=pytest.mark.slow)])
def test_the_slowest_of_all_waves_that_the_rows_allow(hidden):
    x = np.arange(0.0, 125.0, 5.0)[:, None]
    found = discover(x, 3 * np.cos(0.08 * x[:, 0] + 0.4), hidden=hidden, functions=["x", "x^2", "sin", "cos"], seed=0)
    new = np.linspace(0, 120, 500)[:, None]
    assert np.abs(found.formula(new)[:, 0] - 3 * np.cos(0.08 * new[:, 0] + 0.4)).max() < 0.05
    assert found.departure.between < 0.3
