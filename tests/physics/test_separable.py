import math

import pytest
import torch

from edgewise import ConfigError
from edgewise.bases import BSpline
from edgewise.physics import Problem, Separable, Term, solve
from edgewise.testing import assert_within


def test_it_is_a_sum_of_products_of_functions_of_one_coordinate():
    torch.manual_seed(0)
    model = Separable(3, rank=2, outputs=2, grid=(4, 2, 7), k=3).double()
    assert [factor[0].coef.shape for factor in model.factors] == [(1, 7, 4), (1, 5, 4), (1, 10, 4)]
    x = torch.rand(7, 3).double() * 2 - 1
    a, b, c = (
        BSpline(size, 3, (-1, 1)).evaluate(x[:, i]) @ factor[0].coef[0]
        for i, (size, factor) in enumerate(zip((4, 2, 7), model.factors, strict=True))
    )
    expected = torch.stack([sum(a[:, r] * b[:, r] * c[:, r] for r in pair) for pair in ((0, 1), (2, 3))], 1)
    assert_within(model(x).detach(), expected.detach(), 1e-12)


def test_grids_that_are_not_one_for_each_coordinate_are_refused():
    with pytest.raises(ConfigError, match=r"one number, or one for each of 2 coordinates, got \[3, 4, 5\]"):
        Separable(2, grid=(3, 4, 5))


@pytest.mark.parametrize("numbers", [(1, 2, 1), (2, 0, 1), (2, 2, 0)])
def test_impossible_numbers_are_refused(numbers):
    with pytest.raises(ConfigError, match="a product needs at least 2 inputs"):
        Separable(*numbers)


@pytest.mark.parametrize("columns", [1, 3])
def test_rows_of_another_number_of_coordinates_are_refused(columns):
    with pytest.raises(ConfigError, match=f"this product is of 2 coordinates, got rows of shape .4, {columns}"):
        Separable(2)(torch.zeros(4, columns))


def test_a_helmholtz_equation_with_short_waves_is_solved():
    """laplacian u + u = f with u = sin(pi x) sin(4 pi y), 0 on the rim."""
    torch.manual_seed(0)
    x = torch.quasirandom.SobolEngine(2, scramble=True, seed=0).draw(900, dtype=torch.double) * 2 - 1
    s = torch.linspace(-1, 1, 61).double()
    one = torch.ones_like(s)
    rim = torch.cat([torch.stack(pair, 1) for pair in ((s, one), (s, -one), (one, s), (-one, s))])

    def exact(x):
        return torch.sin(math.pi * x[:, 0]) * torch.sin(4 * math.pi * x[:, 1])

    inside = Term("inside", x, lambda u: u.laplacian() + u.value, (1 - 17 * math.pi**2) * exact(x))
    model = Separable(2, rank=2, grid=24).double()
    solve(model, Problem([inside, Term("rim", rim, lambda u: u.value)]), steps=12)
    new = torch.rand(500, 2).double() * 2 - 1
    error = (model(new)[:, 0] - exact(new)).norm() / exact(new).norm()
    assert error < 1e-3
