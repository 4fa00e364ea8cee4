import warnings

import pytest
import torch

from edgewise.kan import KAN
from edgewise.kan.discovery.start import affordable_grid, learning_by_heart, seeded, start
from edgewise.kan.fitting import fit


def count(model):
    return sum(p.numel() for p in model.parameters())


def test_a_seed_decides_and_leaves_the_global_generator_alone():
    torch.manual_seed(7)
    with seeded(3):
        first = torch.rand(4)
    after = torch.rand(4)
    with seeded(3):
        assert torch.equal(torch.rand(4), first)
    torch.manual_seed(7)
    assert torch.equal(torch.rand(4), after)


def test_without_a_seed_the_global_generator_draws():
    torch.manual_seed(7)
    with seeded(None):
        drawn = torch.rand(4)
    torch.manual_seed(7)
    assert torch.equal(torch.rand(4), drawn)


@pytest.mark.parametrize("options", [{}, {"base": None}, {"scale": True, "affine": True}])
@pytest.mark.parametrize("targets", [120, 140, 400])
def test_the_finest_grid_with_no_more_parameters_than_targets(options, targets):
    grid = affordable_grid(KAN([2, 5, 1], grid=4, **options), 30, targets)
    assert count(KAN([2, 5, 1], grid=grid, **options)) <= targets
    assert count(KAN([2, 5, 1], grid=grid + 1, **options)) > targets


def test_never_finer_than_asked_for_nor_less_than_one_interval():
    model = KAN([2, 5, 1], grid=4)
    assert affordable_grid(model, 6, 10_000) == 6
    assert affordable_grid(model, 6, 3) == 1


def test_starts_in_double_on_the_grid_that_the_rows_can_pay_for():
    model = start([2, 5, 1], 8, 3, 100)
    assert model[0].edge.basis.grid_size == 2
    assert model[0].coef.dtype is torch.double


def test_learning_by_heart_is_no_warning_and_others_are():
    x = torch.rand(5, 2).double()
    with learning_by_heart():
        fit(KAN([2, 5, 1]).double(), (x, x[:, :1]), optimizer="lm", steps=1)
        with pytest.raises(UserWarning, match="other"):
            warnings.warn("other", stacklevel=1)
