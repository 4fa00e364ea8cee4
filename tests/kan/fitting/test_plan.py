import numpy as np
import pytest
import torch

from edgewise._ground.errors import ConfigError, DataError
from edgewise.bases import BSpline, Chebyshev
from edgewise.kan import KAN
from edgewise.kan.fitting.data import Table
from edgewise.kan.fitting.plan import Plan, Stage, stages_of
from edgewise.kan.interpret.sparsity import Sparsity

MSE = torch.nn.functional.mse_loss


@pytest.mark.parametrize(
    ("grids", "penalty", "expected"),
    [
        (None, 0.0, [(None, None)]),
        (None, 0.1, [(None, Sparsity(0.1))]),
        ([3, 5], 0, [(3, None), (5, None)]),
        ((3, 5), Sparsity(0.2), [(3, Sparsity(0.2)), (5, Sparsity(0.2))]),
        ([3, 5], [0.1, 0.0], [(3, Sparsity(0.1)), (5, None)]),
        ([7], (0.1, Sparsity(0.2, l1=0.0)), [(7, Sparsity(0.1)), (None, Sparsity(0.2, l1=0.0))]),
        (None, [0.1, 0.0], [(None, Sparsity(0.1)), (None, None)]),
        (5, 0.0, [(5, None)]),
        (np.array([3, 5]), np.array([0.1, 0.0]), [(3, Sparsity(0.1)), (5, None)]),
    ],
    ids=str,
)
def test_stages_of_grids_and_penalties(grids, penalty, expected):
    assert stages_of(grids, penalty) == tuple(Stage(*pair) for pair in expected)


@pytest.mark.parametrize(("grids", "penalty"), [([], 0.0), (None, []), ([3, 5], [0.1, 0.1, 0.0]), ([3, 5, 7], [0.1, 0.0])])
def test_stages_that_do_not_match_are_refused(grids, penalty):
    with pytest.raises(ConfigError, match="stages need a grid and a penalty each"):
        stages_of(grids, penalty)


def check(model: KAN, *, rows: int = 500, grids=None, penalty=0.0, loss=None, y=None, **changes) -> None:
    x = torch.rand(rows, model[0].in_features)
    settings = {"optimizer": "lbfgs", "steps": 5, "starts": 1, "lr": None, "grid_updates": 10, "patience": None, **changes}
    table = Table(x, torch.rand(rows, model[-1].nodes) if y is None else y)
    Plan(stages_of(grids, penalty), **settings).check(model, table, loss)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "lbgfs"}, "unknown optimizer 'lbgfs'; did you mean 'lbfgs'"),
        ({"steps": 0}, "steps is a whole number of at least 1, got 0"),
        ({"starts": 0}, "starts is a whole number of at least 1, got 0"),
        ({"patience": 0}, "patience must be at least 1 step, got 0"),
        ({"optimizer": "lm", "loss": MSE}, "'lm' minimises mean squares"),
        ({"grids": [5, 0]}, r"at least 1 interval, got grids=\[5, 0\]"),
        ({"penalty": -0.1}, "must be finite and not negative"),
        ({"lr": 0.0}, r"lr must be positive and finite, got 0\.0"),
        ({"lr": float("nan")}, "lr must be positive and finite, got nan"),
        ({"optimizer": "lm", "lr": 0.1}, r"'lm' finds the length of its steps itself, got lr=0\.1"),
        ({"grid_updates": -1}, "grid_updates must be 0 or more, got -1"),
        ({"grids": [6, 5]}, r"grids go from coarse to fine, and a layer starts with 5 intervals, got grids=\[6, 5\]"),
    ],
)
def test_impossible_options_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        check(KAN([2, 3, 1]), **changes)


def test_networks_that_cannot_be_fitted_so_are_refused():
    with pytest.raises(ConfigError, match="Chebyshev has no grid: use"):
        check(KAN([2, 3, 1], [BSpline(), Chebyshev(3)]), grids=[5])
    with pytest.raises(ConfigError, match="all parameters of the network are frozen"):
        check(KAN([2, 1], frozen=["coef", "base_weight"]))
    model = KAN([2, 1])
    model[0].state.register_parameter("frequency", torch.nn.Parameter(torch.ones(2)))
    check(model)
    with pytest.raises(ConfigError, match="'lm' does not learn the numbers inside of BSpline"):
        check(model, optimizer="lm")
    model[0].state.frequency.requires_grad_(False)
    check(model, optimizer="lm")


def test_targets_that_the_loss_cannot_take_and_too_few_rows_are_refused():
    with pytest.raises(DataError, match=r"class numbers need a loss such as torch.nn.functional.cross_entropy"):
        check(KAN([2, 3]), y=torch.zeros(500, dtype=torch.long))
    check(KAN([2, 3]), y=torch.zeros(500, dtype=torch.long), loss=torch.nn.functional.cross_entropy)
    with pytest.raises(DataError, match="at least 2 of them, and the data has 1 row"):
        check(KAN([2, 1]), rows=1, penalty=[0.0, 0.1])


def warns(model: KAN, count: int, **options) -> None:
    """With so many numbers, one more than targets is warned of and as many are not."""
    check(model, rows=count, **options)
    with pytest.warns(UserWarning, match=f"{count} parameters and {count - 1} targets: .* learn all of them by heart"):
        check(model, rows=count - 1, **options)


def test_more_parameters_than_targets_are_warned_of():
    warns(KAN([2, 3, 1], grid=3), 9 * 7)
    warns(KAN([2, 3, 1], grid=3, base=None), 9 * 6)
    warns(KAN([2, 3, 1], grid=3, scale=True), 9 * 8)
    warns(KAN([2, 3, 1], grid=3, affine=True), 9 * 7 + 2 * (3 + 1) * 2)
    warns(KAN([2, 3, 1], grid=3, frozen=["base_weight"]), 9 * 6)
    warns(KAN([2, 3, 1], grid=3), 9 * (20 + 4), grids=[3, 20])


def test_what_is_cut_or_has_a_formula_counts_as_what_it_is():
    model = KAN([2, 3, 1], grid=3)
    mask = torch.ones(3, 2, dtype=torch.bool)
    mask[0, 1] = False
    model[0].set_mask(mask)
    model.fix_symbolic(1, 0, 0, "sin")
    warns(model, 7 * 7 + 4)


def test_each_output_is_a_target():
    check(KAN([2, 3, 2], grid=3), rows=42)  # 84 parameters, 84 targets
    with pytest.warns(UserWarning, match="84 parameters and 82 targets"):
        check(KAN([2, 3, 2], grid=3), rows=41)
