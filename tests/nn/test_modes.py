import pytest
from torch import nn

from edgewise.nn.modes import keeping_modes


def interrupted(model, other):
    with keeping_modes(model, other):
        model.eval()
        other.train()
        raise KeyboardInterrupt


def test_each_module_is_put_back_also_after_an_interrupt():
    model, other = nn.Sequential(nn.Dropout(), nn.Dropout().eval()), nn.Dropout().eval()
    with pytest.raises(KeyboardInterrupt):
        interrupted(model, other)
    assert [module.training for module in (*model.modules(), other)] == [True, True, False, False]
