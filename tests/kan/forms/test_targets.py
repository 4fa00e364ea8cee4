import numpy as np
import pytest
import torch

from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.targets import targets
from edgewise.kan.forms.tree import variable
from edgewise.kan.functions import FUNCTIONS

Y = np.random.default_rng(0).uniform(0.5, 3, 50)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_done_is_undone(sign):
    found = list(targets(Rows([torch.tensor(Y)], sign * Y), FUNCTIONS))
    assert len(found) == 6
    for target in found:
        back = target.back(variable(0))([torch.tensor(target.values)])
        np.testing.assert_allclose(back, sign * Y, rtol=1e-12)


def test_weights_are_slopes():
    for target in targets(Rows([torch.tensor(Y)], Y), FUNCTIONS):
        moved = list(targets(Rows([torch.tensor(Y)], Y + 1e-7), FUNCTIONS))
        (other,) = [t for t in moved if t.name == target.name]
        np.testing.assert_allclose(np.abs(other.values - target.values) * target.weight, 1e-7, rtol=1e-5)


def test_only_what_is_defined_and_allowed():
    both = Rows([torch.tensor(Y)], Y - 1.5)
    assert [t.name for t in targets(both, FUNCTIONS)] == ["itself", "exponential"]
    assert [t.name for t in targets(Rows([torch.tensor(Y)], Y), ["x", "1/x"])] == ["itself", "reciprocal"]
    assert [t.name for t in targets(Rows([torch.tensor(Y)], 1e4 * (Y - 1.5)), FUNCTIONS)] == ["itself"]
