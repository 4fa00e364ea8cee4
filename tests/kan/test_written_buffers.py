"""Masks and formulas count as they stand in the buffers, whoever wrote them there."""

import copy

import pytest
import torch
from torch.func import functional_call, stack_module_state, vmap
from torch.optim.swa_utils import AveragedModel

from edgewise._ground.errors import ConfigError
from edgewise.kan import KAN

X = torch.linspace(-1, 1, 7, dtype=torch.float64)
ROWS = torch.stack([X, X.flip(0) + 0.5], 1)


def squares(*columns: int) -> KAN:
    """A network that sums the squares of some of two columns, and has no other edge."""
    model = KAN([2, 1], base=None, symbolic=True).double()
    for column in range(2):
        model.fix_symbolic(0, column, 0, "x^2" if column in columns else "sin")
        if column not in columns:
            model.unfix_symbolic(0, column, 0)
    model[0].set_mask(torch.zeros(1, 2, dtype=torch.bool))
    return model


def lines(*columns: int) -> KAN:
    """A network of straight lines x through the splines, cut but for some columns."""
    model = KAN([2, 1], base="identity").double()
    with torch.no_grad():
        model[0].coef.zero_()
        model[0].base_weight.fill_(1)
    model[0].set_mask(torch.tensor([[column in columns for column in range(2)]]))
    return model


def sum_of(function, *columns: int) -> torch.Tensor:
    return sum(function(ROWS[:, [column]]) for column in columns)


def copied_in_place(model, other):
    for mine, theirs in zip(model.buffers(), other.buffers(), strict=True):
        mine.copy_(theirs)
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        mine.data.copy_(theirs)
    return model(ROWS)


def copied_past_autograd(model, other):
    for mine, theirs in zip(model.buffers(), other.buffers(), strict=True):
        mine.data.copy_(theirs)
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        mine.data.copy_(theirs)
    return model(ROWS)


def averaged(model, other):
    average = AveragedModel(model, use_buffers=True)
    average.update_parameters(other)
    return average(ROWS)


def called_with_another_state(model, other):
    return functional_call(model, other.state_dict(), ROWS)


def loaded(model, other):
    model.load_state_dict(other.state_dict())
    return model(ROWS)


def stacked(model, other):
    """Both networks at once."""
    parameters, buffers = stack_module_state([other, other])
    frame = copy.deepcopy(model)
    rows = vmap(lambda p, b: functional_call(frame, (p, b), (ROWS,)))(parameters, buffers)
    assert torch.equal(rows[0], rows[1])
    return rows[0]


WAYS = [copied_in_place, copied_past_autograd, averaged, called_with_another_state, loaded, stacked]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize(("before", "after"), [((0, 1), (0,)), ((0,), (0, 1)), ((0,), (1,))])
@pytest.mark.parametrize(("make", "function"), [(lines, lambda x: x), (squares, torch.square)], ids=["mask", "formula"])
def test_what_is_written_counts(way, before, after, make, function):
    model = make(*before)
    assert torch.allclose(model(ROWS), sum_of(function, *before))  # and whatever it notes is noted
    with torch.no_grad():
        assert torch.allclose(way(model, make(*after)), sum_of(function, *after))


def test_networks_of_different_masks_are_stacked():
    parameters, buffers = stack_module_state([lines(0), lines(1), lines(0, 1)])
    frame = lines(0)
    rows = vmap(lambda p, b: functional_call(frame, (p, b), (ROWS,)))(parameters, buffers)
    assert torch.allclose(rows, torch.stack([sum_of(lambda x: x, *columns) for columns in [(0,), (1,), (0, 1)]]))


def test_networks_of_different_formulas_are_not_stacked():
    parameters, buffers = stack_module_state([squares(0), squares(1)])
    frame = squares(0)
    with pytest.raises(ConfigError, match="networks of different formulas cannot be run as one"):
        vmap(lambda p, b: functional_call(frame, (p, b), (ROWS,)))(parameters, buffers)
