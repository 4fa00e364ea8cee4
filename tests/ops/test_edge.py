import pytest
import torch

from edgewise import EdgewiseError
from edgewise.bases import BSpline
from edgewise.nn import KANLinear
from edgewise.ops import BASE_FUNCTIONS, EdgeFunction


def test_unknown_base_functions_are_refused_with_the_nearest():
    with pytest.raises(EdgewiseError, match="unknown base function 'sillu'; did you mean 'silu'"):
        EdgeFunction(BSpline(), base="sillu")


@pytest.mark.parametrize("name", BASE_FUNCTIONS)
def test_base_functions_are_those_of_torch(name):
    x = torch.randn(20, dtype=torch.float64)
    expected = x if name == "identity" else getattr(torch.nn.functional, name)(x)
    assert torch.equal(EdgeFunction(BSpline(), base=name).base_values(x), expected)


def test_any_pointwise_function_will_do_as_base():
    layer = KANLinear(1, 1, base=torch.sin)
    torch.nn.init.zeros_(layer.coef)
    x = torch.randn(9, 1)
    assert torch.allclose(layer(x), layer.base_weight * x.sin())


def test_equal_settings_are_equal_and_hash_alike():
    assert EdgeFunction(BSpline()) == EdgeFunction(BSpline())
    assert len({EdgeFunction(BSpline()), EdgeFunction(BSpline()), EdgeFunction(BSpline(), grad_free=True)}) == 2
