"""What bumps made of rectifiers are known to do, beside the contract of bases."""

import pytest
import torch

from edgewise import EdgewiseError
from edgewise.bases import ReLUKAN
from edgewise.testing import assert_within


def at(basis, points) -> torch.Tensor:
    return basis.evaluate(torch.as_tensor(points, dtype=torch.float64).unsqueeze(-1)).squeeze(1)


@pytest.mark.parametrize("power", [1, 2, 4])
@pytest.mark.parametrize(("grid_size", "span"), [(5, 3), (1, 0), (4, 2)])
def test_height_one_in_the_middle_and_zero_from_the_ends_on(grid_size, span, power):
    basis = ReLUKAN(grid_size, span, power, domain=(-2, 3))
    cell = 5 / grid_size
    starts = -2 + cell * (torch.arange(grid_size + span, dtype=torch.float64) - span)
    assert basis.num_functions == len(starts)
    assert_within(at(basis, starts + cell * (span + 1) / 2).diag(), torch.ones(len(starts), dtype=torch.float64), 1e-12)
    for beyond in (starts - 1e-9, starts + cell * (span + 1) + 1e-9):
        assert at(basis, beyond).diag().count_nonzero() == 0


def test_the_formula_of_the_paper():
    """With s_i, e_i on [0, 1] and r = 4 G^2 / (k + 1)^2, (relu(e - x) relu(x - s) r)^2 (Qiu et al., equation 6)."""
    basis = ReLUKAN(5, 3, domain=(0, 1))
    x = torch.linspace(-1, 2, 301, dtype=torch.float64).unsqueeze(-1)
    start = (torch.arange(8, dtype=torch.float64) - 3) / 5
    expected = ((start + 0.8 - x).relu() * (x - start).relu() * 4 * 25 / 16).square()
    assert_within(at(basis, x.squeeze(-1)), expected, 1e-12)


def test_the_second_derivative_jumps_unless_the_power_is_greater():
    """At the start of a bump ((4 / w^2) (x - s) (e - x))^m has the second derivative 32 / w^2 for m = 2, else 0."""
    for power, jump in ((2, 32.0), (3, 0.0)):
        x = torch.tensor([[1e-9]], dtype=torch.float64, requires_grad=True)
        value = ReLUKAN(1, 0, power, domain=(0, 1)).evaluate(x).sum()
        (slope,) = torch.autograd.grad(value, x, create_graph=True)
        (curvature,) = torch.autograd.grad(slope.sum(), x)
        assert slope.item() == pytest.approx(0, abs=1e-6)
        assert curvature.item() == pytest.approx(jump, abs=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grid_size": 0}, "grid_size must be at least 1, got 0"),
        ({"span": -1}, "span must be at least 0, got -1"),
        ({"power": 0}, "power must be at least 1, got 0"),
        ({"power": 1, "outside": "linear"}, "outside='linear' needs a slope at the ends of the domain"),
    ],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(EdgewiseError, match=message):
        ReLUKAN(**options)
